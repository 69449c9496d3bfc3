"""The bootstrap of latent models: the same as refitting rows, the delta method's in large samples, and its refusals."""

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import ArgumentError
from cxuxlib.models import LatentOptions, latent, resampled
from tests.structural_reference import CASES, HOLZINGER, THREE, frame_of

MEDIATED = "m ~ a*x; y ~ b*m + x; ab := a*b"


def rows(n: int, seed: int = 1) -> pd.DataFrame:
    """A mediated effect of .25, with normal errors."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    m = 0.5 * x + rng.normal(size=n)
    return pd.DataFrame({"x": x, "m": m, "y": 0.5 * m + rng.normal(size=n)})


@pytest.mark.parametrize("missing", ["listwise", "fiml"])
def test_it_is_the_refitting_of_drawn_rows(missing: str) -> None:
    frame, options = rows(80), LatentOptions(missing=missing)  # type: ignore[arg-type]
    if missing == "fiml":
        frame.loc[:9, "y"] = np.nan
        frame.loc[5:20, "m"] = np.nan
    found = resampled(latent(MEDIATED, frame, options=options), replications=100, rng=3)
    rng, drawn = np.random.default_rng(3), []
    for _ in range(100):
        again = frame.loc[frame.index.repeat(rng.multinomial(80, np.full(80, 1 / 80)))]
        drawn.append(latent(MEDIATED, again, options=options).terms["value"])
    table = np.array(drawn)
    assert found["std_error"].to_numpy() == pytest.approx(table.std(axis=0, ddof=1), abs=1e-7)
    assert found["low"].to_numpy() == pytest.approx(np.quantile(table, 0.025, axis=0), abs=1e-7)
    assert found["replications"].eq(100).all()
    assert found["n_failed"].eq(0).all()


def test_in_large_samples_it_is_the_delta_method_and_counts_are_rows() -> None:
    answers = rows(20_000).mul(2).round().clip(-3, 3)
    counts = answers.value_counts().rename("n").reset_index()
    fit = latent(MEDIATED, counts, frequency="n", estimator="mlr")
    found = resampled(fit, replications=400, rng=1)
    moving = fit.terms["std_error"] > 0
    ratio = found.loc[moving, "std_error"] / fit.terms.loc[moving, "std_error"]
    assert ratio.between(0.85, 1.15).all()
    assert (found.loc[moving, "low"] < fit.terms.loc[moving, "value"]).all()


def test_groups_keep_their_sizes_and_their_equalities() -> None:
    case = CASES["two_groups"]
    fit = latent(case["model"], frame_of(case), group="shop", options=LatentOptions(equal=["loadings"]))
    found = resampled(fit, replications=100)
    assert found[["term", "kind", "group"]].equals(fit.terms[["term", "kind", "group"]])
    loadings = found[(found["kind"] == "loading") & found["term"].str.startswith("f =~ x2")]
    assert loadings["low"].nunique() == 1


def test_the_level_widens_and_the_seed_repeats() -> None:
    fit = latent(MEDIATED, rows(100))
    wide, narrow = (resampled(fit, replications=100, level=level, rng=5) for level in (0.95, 0.8))
    own = fit.terms["std_error"] > 0
    assert (wide.loc[own, "low"] < narrow.loc[own, "low"]).all()
    pd.testing.assert_frame_equal(wide, resampled(fit, replications=100, rng=5))


def test_what_cannot_be_resampled_is_refused() -> None:
    with pytest.raises(ArgumentError, match="need rows or counts"):
        resampled(latent(THREE, HOLZINGER))
    with pytest.raises(ArgumentError, match="100 or more"):
        resampled(latent(MEDIATED, rows(50)), replications=20)
    with pytest.raises(ArgumentError, match="level"):
        resampled(latent(MEDIATED, rows(50)), level=2)
