"""The mediation of composites, resampled: what it is checked against, and what it refuses."""

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import ArgumentError, ModelError
from cxuxlib.models import linear, mediation, mediation_bootstrap
from cxuxlib.results import Moments

BLOCKS = (["u1", "u2"], ["c1", "c2"], ["l"])


def rows(n: int, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    u = rng.normal(size=n)
    c = 0.6 * u + 0.8 * rng.normal(size=n)
    data = {"u1": u, "u2": u + 0.5 * rng.normal(size=n), "c1": c, "c2": c + 0.5 * rng.normal(size=n)}
    return pd.DataFrame(data | {"l": 0.2 * u + 0.5 * c + rng.normal(size=n)})


def test_values_are_least_squares_and_errors_those_of_the_delta_method() -> None:
    data = rows(4000)
    found = mediation_bootstrap(data, *BLOCKS, rng=1).set_index(["term", "kind"])
    delta = mediation(data, *BLOCKS).query("measurement == 'composite'").set_index(["term", "kind"])
    assert found["value"].to_dict() == pytest.approx(delta.loc[found.index, "value"].to_dict(), rel=1e-9)
    assert found["std_error"].to_numpy() == pytest.approx(delta.loc[found.index, "std_error"].to_numpy(), rel=0.06)
    for end in ("low", "high"):
        gap = found[end] - delta.loc[found.index, end]
        assert (gap.abs() < 0.15 * found["std_error"]).all()
    means = pd.DataFrame({"x": data[["u1", "u2"]].mean(axis=1), "m": data[["c1", "c2"]].mean(axis=1), "y": data["l"]})
    slopes = linear("y ~ x + m", means).terms.set_index("term")["value"]
    assert found.loc[("direct", "raw"), "value"] == pytest.approx(slopes["x"], rel=1e-9)


def test_it_is_the_drawing_of_units_one_by_one() -> None:
    data = rows(150, 4)
    found = mediation_bootstrap(data, *BLOCKS, replications=20_000, rng=1).set_index(["term", "kind"])
    x = np.column_stack([data[block].mean(axis=1) for block in BLOCKS])
    rng, drawn = np.random.default_rng(9), []
    for _ in range(4000):
        s = np.cov(x[rng.integers(150, size=150)].T)
        slopes = np.linalg.solve(s[:2, :2], s[:2, 2])
        drawn.append(s[0, 1] / s[0, 0] * slopes[1])
    row = found.loc[("indirect", "raw")]
    assert row["std_error"] == pytest.approx(np.std(drawn), rel=0.05)
    assert [row["low"], row["high"]] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.1 * row["std_error"])


def test_counts_are_rows_and_order_does_not_matter() -> None:
    data = rows(2000).round(0)
    counts = data.value_counts().rename("times").reset_index()
    one, other = mediation_bootstrap(data, *BLOCKS), mediation_bootstrap(counts, *BLOCKS, frequency="times", rng=2)
    assert other["value"].to_numpy() == pytest.approx(one["value"].to_numpy(), rel=1e-9)
    assert other["std_error"].to_numpy() == pytest.approx(one["std_error"].to_numpy(), rel=0.06)
    assert other["n"].tolist() == [2000] * 10


def test_no_p_is_zero() -> None:
    found = mediation_bootstrap(rows(2000), *BLOCKS, replications=999).set_index(["term", "kind"])
    assert found.loc[("a", "raw"), "p"] == pytest.approx(2 / 1000)  # no resample lies below 0
    assert found["p"].between(0.002, 1).all()


def test_units_of_measurement_change_nothing() -> None:
    data = rows(300)
    one, other = mediation_bootstrap(data, *BLOCKS), mediation_bootstrap(data * 1e6 + 1e7, *BLOCKS)
    assert other[["value", "low"]].to_numpy() == pytest.approx(one[["value", "low"]].to_numpy(), rel=1e-4)


def test_what_it_refuses() -> None:
    data = rows(100)
    with pytest.raises(ArgumentError, match="Moments cannot be resampled"):
        mediation_bootstrap(Moments(100, tuple(data), np.zeros(5), data.cov().to_numpy()), *BLOCKS)
    with pytest.raises(ArgumentError, match="100 or more"):
        mediation_bootstrap(data, *BLOCKS, replications=10)
    with pytest.raises(ArgumentError, match="share no items"):
        mediation_bootstrap(data, ["u1"], ["u1"], ["l"])
    with pytest.raises(ModelError, match="determine"):
        mediation_bootstrap(data.assign(c1=2 * data["u1"]), ["u1"], ["c1"], ["l"])
