"""What fits by groups say of each, and what a nested test refuses."""

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import ArgumentError
from cxuxlib.models import LatentOptions, facet_syntax, latent, nested


def people(seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    group = np.repeat(["a", "b"], 300)
    factor = rng.normal(size=(600, 1))
    loadings = np.where(group[:, None] == "a", [[0.8, 0.7, 0.6, 0.5]], [[0.8, 0.3, 0.6, 0.5]])
    return pd.DataFrame(loadings * factor + 0.6 * rng.normal(size=(600, 4)), columns=list("wxyz")).assign(g=group)


def test_each_group_has_what_was_said_for_it() -> None:
    data = people()
    fit = latent("f =~ w + c(1, NA)*x + y + z", data, group="g")
    loadings = fit.terms[(fit.terms["kind"] == "loading") & fit.terms["term"].str.startswith("f =~ x")]
    assert loadings["std_error"].iloc[0] == 0
    assert loadings["value"].iloc[0] == 1
    assert loadings["std_error"].iloc[1] > 0
    labelled = latent("f =~ w + c(p, q)*x + y + z; gap := p - q", data, group="g")
    gap = labelled.terms[(labelled.terms["kind"] == "defined") & (labelled.terms["term"].str.startswith("gap"))].iloc[0]
    apart = [latent("f =~ w + x + y + z", data[data["g"] == name]) for name in "ab"]
    own = [each.terms.set_index("term").query("kind == 'loading'").loc["f =~ x", "value"] for each in apart]
    assert gap["value"] == pytest.approx(own[0] - own[1], abs=1e-5)
    one = latent("f =~ w + c(p, p)*x + y + z", data, group="g")
    test = nested(one, labelled)
    assert test["df"].iloc[0] == 1
    assert test["p"].iloc[0] < 1e-4
    with pytest.raises(ArgumentError, match=r"c\(...\) has 3 values for 2 groups"):
        latent("f =~ w + c(1, 2, 3)*x + y + z", data, group="g")
    with pytest.raises(ArgumentError, match=r"c\(...\) has 2 values for 1 groups"):
        latent("f =~ w + c(1, 2)*x + y + z", data)


def test_marks_of_comments_may_stand_in_names() -> None:
    data = people().rename(columns={"x": "wow!", "y": "no #1"})
    fit = latent(facet_syntax({"f": ["w", "wow!", "no #1", "z"]}, "one-factor"), data)
    same = latent("f =~ w + x + y + z  # a comment ! and more", people())
    assert fit.quality["chi2"] == pytest.approx(same.quality["chi2"], rel=1e-9)


def test_a_difference_of_other_data_or_of_stopped_searches_is_no_test() -> None:
    data = people()
    one, two = latent("f =~ w + 1*x + y + z", data), latent("f =~ w + x + y + z", people(2))
    with pytest.raises(ArgumentError, match="other groups or other answers"):
        nested(one, two)
    grouped = latent("f =~ w + x + y + z", data, group="g", options=LatentOptions(equal=["loadings"]))
    with pytest.raises(ArgumentError, match="other groups or other answers"):
        nested(one, grouped)
    better = latent("f =~ w + x + y + z", data)
    better.quality["chi2"] = one.quality["chi2"] + 3.0  # as if its search had stopped early
    found = nested(one, better).iloc[0]
    assert np.isnan(found["p"])
    assert np.isnan(found["rmsea_low"])
    assert "fits better than the full one" in found["method"]
