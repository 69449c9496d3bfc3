"""Does what a cause does to an outcome go through a mediator? Composites and latent variables side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from cxuxlib.errors import ArgumentError, listed
from cxuxlib.models.regression.least import linear
from cxuxlib.models.structural.estimating import latent
from cxuxlib.models.structural.fitting import raw_of
from cxuxlib.models.structural.options import Estimator
from cxuxlib.models.structural.reading import read
from cxuxlib.models.structural.shapes import quoted
from cxuxlib.results import Fit, Moments
from cxuxlib.stats import intervals

__all__ = ["mediation"]

_TERMS = ("a", "b", "direct", "indirect", "total")
_PATHS = "M ~ a*X\nY ~ b*M + direct*X\nindirect := a*b\ntotal := direct + a*b"
_NAMES = ("X", "M", "Y")


def mediation(
    data: Any,
    cause: Sequence[str],
    mediator: Sequence[str],
    outcome: Sequence[str],
    *,
    bound: float = 0.10,
    estimator: Estimator = "ml",
    frequency: str | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Split what a cause does to an outcome into what goes through a mediator and what does not, twice.

    M = a X + e, Y = b M + c' X + e; indirect = ab, total = c' + ab. First with the means of the items, where unreliable
    mediators leave a direct effect that is not there, ab(1 - ρ)/(1 - a²ρ) with reliability ρ; then with latent
    variables. The mediator screens the cause off where the (1 - 2 · 5%) interval of the standardised direct effect
    lies within ±``bound``. What no intervention was made on, no split makes causal.

    Args:
        data: one row per unit (any engine), counts (with ``frequency``), or `Moments`.
        cause: items of the cause.
        mediator: items of the mediator.
        outcome: items of the outcome.
        bound: largest standardised direct effect that is as good as none.
        estimator: of the latent model: "ml", "mlr" or "mlm".
        frequency: column that says how many units a row stands for.
        level: confidence level, 0 to 1.

    Returns:
        One row per measurement (composite, latent), term (a, b, direct, indirect, total) and kind (raw, std_all):
        value, std_error, low, high, p; for the standardised direct effect p_equivalence (two one-sided tests) and
        verdict: inside, outside, undecided, or "not answerable" with the reason where the latent solution is improper;
        n, n_missing, method. Raw composite paths are least squares with t intervals; the rest is by the delta method.

    Raises:
        ArgumentError, ColumnError, AnswerError, SampleError, ModelError: what is wrong with the data.

    Source: Baron & Kenny 1986, doi:10.1037/0022-3514.51.6.1173; Beribisky, Mara & Cribbie 2020,
    doi:10.20982/tqmp.16.4.p424 (equivalence). Checked against: lm and lavaan (mobi).

    >>> x = np.array([[1.0, 0.7, 0.42], [0.7, 1.0, 0.6], [0.42, 0.6, 1.0]])
    >>> shared = np.kron(x * 0.64, np.ones((3, 3))) + 0.36 * np.eye(9)
    >>> names = ("u1", "u2", "u3", "c1", "c2", "c3", "l1", "l2", "l3")
    >>> found = mediation(Moments(1500, names, np.zeros(9), shared), names[:3], names[3:6], names[6:])
    >>> direct = found[(found["term"] == "direct") & (found["kind"] == "std_all")]
    >>> dict(zip(direct["measurement"], direct["verdict"]))
    {'composite': 'undecided', 'latent': 'inside'}
    """
    blocks, items = blocks_of(cause, mediator, outcome)
    if estimator == "wlsmv":
        raise ArgumentError(
            "mediation sets latent variables beside means of the items, which ordered answers have not: "
            "'wlsmv' is not offered yet; take 'mlr'."
        )
    if not bound > 0:
        raise ArgumentError(f"bound is a standardised effect above 0; got {bound!r}.")
    sums = _composites(data, blocks, items, frequency)
    rows = _rows("composite", latent(f"{_PATHS}\nX ~~ X", sums, level=level), bound, _regressions(sums, level))
    measured = [
        f"{name} =~ {' + '.join(quoted(item) for item in each)}" for name, each in zip(_NAMES, blocks, strict=True)
    ]
    fit = latent("\n".join([*measured, _PATHS]), data, estimator=estimator, frequency=frequency, level=level)
    return pd.DataFrame([*rows, *_rows("latent", fit, bound, {})])


def blocks_of(
    cause: Sequence[str], mediator: Sequence[str], outcome: Sequence[str]
) -> tuple[list[list[str]], list[str]]:
    """The items of cause, mediator and outcome, which share none, and all of them."""
    given = (cause, mediator, outcome)
    blocks = [list(each) if isinstance(each, Iterable) and not isinstance(each, str) else [] for each in given]
    for name, each in zip(("cause", "mediator", "outcome"), blocks, strict=True):
        if not each:
            raise ArgumentError(f"{name} is a list of one or more items.")
    items = [item for each in blocks for item in each]
    shared = sorted({item for item in items if items.count(item) > 1})
    if shared:
        raise ArgumentError(
            f"{listed(shared)} stands in more than one place; cause, mediator and outcome share no items."
        )
    if set(items) & set(_NAMES):
        raise ArgumentError(f"{listed(set(items) & set(_NAMES))} names a variable of the model; rename the column.")
    return blocks, items


def composing(blocks: Sequence[Sequence[str]], items: Sequence[str]) -> np.ndarray:
    """Weights that make the mean of each block of items, shape (blocks, items)."""
    weights = np.zeros((len(blocks), len(items)))
    for k, each in enumerate(blocks):
        weights[k, [items.index(item) for item in each]] = 1 / len(each)
    return weights


def _composites(data: Any, blocks: Sequence[Sequence[str]], items: Sequence[str], frequency: str | None) -> Moments:
    """Moments of the means of the items."""
    (group,) = read(data, items, (), group=None, frequency=frequency, fiml=False)
    assert group.mean is not None
    assert group.covariance is not None
    weights = composing(blocks, items)
    covariance = weights @ group.covariance @ weights.T * group.n / (group.n - 1)
    return Moments(group.n, _NAMES, weights @ group.mean, covariance, group.n_missing)


def _regressions(sums: Moments, level: float) -> dict[str, tuple[float, ...]]:
    """The paths by least squares."""
    first = linear("M ~ X", sums, errors="observed", level=level).terms.set_index("term")
    second = linear("Y ~ M + X", sums, errors="observed", level=level).terms.set_index("term")
    wanted = {"a": first.loc["X"], "b": second.loc["M"], "direct": second.loc["X"]}
    return {name: tuple(row[["value", "std_error", "low", "high", "p"]]) for name, row in wanted.items()}


def _rows(measurement: str, fit: Fit, bound: float, least: dict[str, tuple[float, ...]]) -> list[dict[str, object]]:
    """The rows of one measurement, raw and standardised."""
    raw, said = raw_of(fit), raw_of(fit).cautions
    paths = {"a": "M ~ X", "b": "Y ~ M", "direct": "Y ~ X"}
    table = fit.terms.set_index(["term", "kind"])
    columns = ["value", "std_error", "low", "high", "p"]
    found: list[dict[str, object]] = []
    for kind in ("raw", "std_all"):
        for term in _TERMS:
            method = fit.method
            if kind == "raw" and term in least:
                values, method = least[term], "least squares, errors from equal variances"
            else:
                own = kind if kind == "std_all" else "path" if term in paths else "defined"
                values = tuple(table.loc[(paths.get(term, term), own), columns])
            row: dict[str, object] = {"measurement": measurement, "term": term, "kind": kind}
            row |= dict(zip(columns, values, strict=True)) | {"p_equivalence": np.nan, "verdict": ""}
            if kind == "std_all" and term == "direct":
                row |= _screened(values[0], values[1], bound, said)
            found.append(row | {"n": raw.n, "n_missing": int(fit.quality["n_missing"]), "method": method})
    return found


def _screened(value: float, error: float, bound: float, said: Sequence[str]) -> dict[str, object]:
    """Two one-sided tests of the direct effect against ±bound."""
    if said or not np.isfinite(error):
        return {"p_equivalence": np.nan, "verdict": f"not answerable: {' '.join(said) or 'the effect has no error.'}"}
    p = float(max(ndtr(-(bound - value) / error), ndtr(-(value + bound) / error)))
    half = intervals.normal_quantile(0.90) * error
    beyond = value - half > bound or value + half < -bound
    verdict = "inside" if p < 0.05 else "outside" if beyond else "undecided"
    return {"p_equivalence": p, "verdict": verdict}
