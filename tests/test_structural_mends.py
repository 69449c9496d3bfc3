"""What fits by groups say of each, and what a nested test refuses."""

import numpy as np
import pandas as pd
import pytest

from cxuxlib.errors import ArgumentError
from cxuxlib.models import LatentOptions, facet_syntax, invariance, latent, nested


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


def test_ordered_answers_have_what_was_said_for_each_group() -> None:
    data = people()
    items = list("wxyz")
    data[items] = np.digitize(data[items], [-0.6, 0.1, 0.8])
    fit = latent("f =~ w + c(p, q)*x + y + z; gap := p - q", data, group="g", estimator="wlsmv")
    apart = [latent("f =~ w + x + y + z", data[data["g"] == name], estimator="wlsmv") for name in "ab"]
    own = [each.estimate("f =~ x", "loading").value for each in apart]
    assert fit.estimate("gap", "defined").value == pytest.approx(own[0] - own[1], abs=1e-6)
    with pytest.raises(ArgumentError, match=r"c\(...\) has 3 values for 2 groups"):
        latent("f =~ w + c(p, q, r)*x + y + z", data, group="g", estimator="wlsmv")


def test_an_item_that_measures_something_else_too_keeps_its_residual() -> None:
    data = people()
    plain = latent("f =~ w + x + y + z", data)
    own = latent("f =~ w + x + y + z; own =~ z; own ~~ 0.1*own; own ~~ 0*f", data)
    assert own.quality["chi2"] == pytest.approx(plain.quality["chi2"], rel=1e-9)
    whole = plain.estimate("z ~~ z", "variance").value
    assert own.estimate("z ~~ z", "variance").value == pytest.approx(whole - 0.1, abs=1e-6)


def test_what_does_not_vary_has_no_explained_share_and_says_so() -> None:
    fit = latent("f =~ w + x + y + z; still =~ 0*w; still ~~ 0*still; still ~ 0*f", people())
    assert np.isnan(fit.terms.query("term == 'still' and kind == 'r2'")["value"]).all()
    assert any("No variance: still" in each for each in fit.raw.cautions)


def test_a_search_that_did_not_end_gives_no_test() -> None:
    rng = np.random.default_rng(0)
    items = [f"x{k}" for k in range(1, 10)]
    noise = pd.DataFrame(rng.normal(size=(40, 9)), columns=items).assign(g=[0, 1] * 20)
    facets = {"f": items[:3], "g": items[3:6], "h": items[6:]}
    steps = invariance(facet_syntax(facets), noise, group="g").set_index("step")
    assert np.isnan(steps.loc["metric", "difference_p"])
    assert "did not converge" in str(steps.loc["metric", "method"])


def test_other_incomplete_answers_are_other_data() -> None:
    data, fiml = people().drop(columns="g"), LatentOptions(missing="fiml")
    data.loc[::5, "x"] = np.nan
    shuffled = data.assign(z=data["z"].to_numpy()[::-1])
    one = latent("f =~ w + 1*x + y + z", data, options=fiml)
    with pytest.raises(ArgumentError, match="other groups or other answers"):
        nested(one, latent("f =~ w + x + y + z", shuffled, options=fiml))
    assert nested(one, latent("f =~ w + x + y + z", data, options=fiml))["df"].iloc[0] == 1


def test_likelihoods_of_other_variables_have_no_difference() -> None:
    data = people()
    found = nested(latent("y ~ w + 0*x", data), latent("y ~ w + x; w ~~ x", data)).iloc[0]
    plain = nested(latent("y ~ w + 0*x", data), latent("y ~ w + x", data)).iloc[0]
    assert found["chi2"] == pytest.approx(plain["chi2"], rel=1e-9)
    assert np.isnan(found["delta_aic"])
    assert "AIC" in found["method"]
    assert np.isfinite(plain["delta_aic"])


def test_a_model_that_is_none_is_told_what_would_be() -> None:
    with pytest.raises(ArgumentError, match="carry one label"):
        latent("f =~ w + p*x + q*y + z; p == q", people())
    with pytest.raises(ArgumentError, match="facet_syntax"):
        latent({"f": ["w", "x", "y"]}, people())  # type: ignore[arg-type]
