"""Whether odds are proportional: the Brant test."""

from __future__ import annotations

from math import inf

import numpy as np
import pandas as pd

from cxuxlib.errors import ArgumentError, ModelError, listed
from cxuxlib.models.regression import fitted, samples
from cxuxlib.results import Fit
from cxuxlib.stats import ordinal_brant

__all__ = ["brant"]


def brant(fit: Fit) -> pd.DataFrame:
    """Test whether slopes are the same at every threshold (the Brant test of proportional odds).

    Binary logits of Y > j, j = 1, ..., K - 1, side by side; the Wald test that their slopes are equal, for all columns
    together and for each term. In large samples it finds departures that do not matter: compare the slopes of
    `partial_odds`.

    Args:
        fit: result of `ordered_logit` with link "logit"; its data are not read again.

    Returns:
        One row for all columns together and one per term: term, statistic (χ²), df, p, n, method. Thresholds at which
        a term separates the answers are left out and named in method. With weights or units the covariance is robust;
        between clusters p is that of Hotelling's T², and NaN where there are too few of them for a test.

    Raises:
        ArgumentError: a fit of another model. ModelError: fewer than two thresholds are left, or none of the slopes.

    Source: Brant 1990, doi:10.2307/2532457. Checked against: R, by hand from separate logits.

    >>> from cxuxlib.models import ordered_logit
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame({"ease": rng.integers(1, 6, 500)})
    >>> frame["rating"] = np.clip(np.round(frame["ease"] + rng.logistic(size=500)), 1, 4)
    >>> brant(ordered_logit("rating ~ ease", frame))["df"].tolist()
    [2, 2]
    """
    raw = fitted.regression_of(fit, "brant")
    if raw.sample is None or raw.z.shape[1] != 1 or raw.link != "logit":
        raise ArgumentError(
            f"The Brant test is of ordered_logit with link 'logit' and proportional odds; got {fit.model!r}."
        )
    sample = raw.sample
    if not raw.names:
        raise ArgumentError("The model has no slopes to test.")
    scale = sample.n_units / float(sample.w.sum())
    columns = samples.scaled_design(raw.names, raw.x, sample.row_weights(), center=True).columns
    design = np.column_stack([np.ones(len(columns)), columns])
    found = ordinal_brant.splits(design, sample.row, raw.y, scale * sample.w, sample.n_units)
    steps = [f"{a}|{b}" for a, b in zip(raw.labels, raw.labels[1:], strict=False)]
    left = [step for j, step in enumerate(steps) if j not in found.used]
    if len(found.used) < 2:
        raise ModelError(
            f"The answers are separated at {listed(left) if left else 'no threshold'}; two thresholds are needed."
        )
    covariance = found.expected
    if raw.errors != "observed":
        scaled = found.influence._replace(base=found.influence.base * scale)
        covariance = fitted.spread(scaled, sample, raw.errors, raw.correction)
    places = {term: [raw.names.index(sample.design.names[i]) + 1 for i in own]
              for term, own in sample.design.terms.items() if term != "1"}  # fmt: skip
    rows, groups = [], float(sample.clusters.n) if raw.errors == "cluster" and sample.clusters else inf
    for term, which in {"all": list(range(1, len(raw.names) + 1)), **places}.items():
        rows.append((term, *ordinal_brant.equality(found.slopes, covariance, which, groups)))
    method = f"Brant test, {'expected' if raw.errors == 'observed' else raw.errors} covariance"
    if groups < inf:
        method += f" of {groups:,.0f} clusters, p by Hotelling's T²"
        if any(np.isnan(row[1]) for row in rows):
            method += "; NaN where clusters are no more than degrees of freedom, so that there is no test"
    if left:
        method += f"; without the thresholds {listed(left)}, at which the answers are separated"
    return pd.DataFrame(rows, columns=["term", "statistic", "df", "p"]).assign(n=sample.n_units, method=method)
