"""Path diagrams: their sentence is that of the fit's standardised terms, read from the picture."""

import re

import numpy as np
import pandas as pd
import pytest

from cxuxlib import models, plots, text
from cxuxlib.errors import ArgumentError, ModelError
from cxuxlib.models import LatentOptions

FACETS = {
    "UX": ["u1", "u2", "u3"],
    "service": ["s1", "s2", "s3"],
    "price": ["p1", "p2", "p3"],
    "brand": ["b1", "b2", "b3"],
}
ITEMS = [item for items in FACETS.values() for item in items]


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    general = rng.normal(size=(500, 1))
    facets = 0.7 * general + np.sqrt(0.51) * rng.normal(size=(500, 4))
    items = 0.8 * np.repeat(facets, 3, axis=1) + 0.6 * rng.normal(size=(500, 12))
    return pd.DataFrame(items, columns=ITEMS).assign(b3=lambda each: -each["b3"], team=np.arange(500) % 2)


def drawn(picture: plots.Picture) -> dict[str, str]:
    """Arrows by the names at their ends, with the number at each."""
    texts = picture.figure.axes[0].texts
    return {each.get_label().replace("\n", " "): each.get_text() for each in texts if each.get_gid()}


@pytest.mark.parametrize("shape", ["one-factor", "correlated", "second-order", "bifactor", "orthogonal"])
def test_every_arrow_carries_its_standardised_estimate(people: pd.DataFrame, shape: str) -> None:
    fit = models.latent(models.facet_syntax(FACETS, shape, general="CX"), people)  # type: ignore[arg-type]
    picture = plots.path_diagram(fit)
    terms = fit.terms[fit.terms["kind"] == "std_all"].set_index("term")["value"]
    expected = {}
    for term, value in terms.items():
        left, how, right = re.fullmatch(r"(.+) (=~|~~) (.+)", str(term)).groups()  # type: ignore[union-attr]
        if left != right and not (how == "~~" and value == 0):
            expected[f"{left} {right}"] = text.number(value, 2)
    assert drawn(picture) == expected
    for pair, value in expected.items():
        assert re.search(rf"\b{pair.split()[1]}\b[^;]* {re.escape(value)}", repr(picture))
    assert picture._repr_png_()[1] == {"alt": repr(picture)}
    assert repr(picture).startswith(f"χ² = {fit.quality['chi2']:.1f} on {fit.quality['df']:.0f} df, p")


def test_paths_are_said_from_what_depends(people: pd.DataFrame) -> None:
    syntax = "UX =~ u1 + u2 + u3; service =~ s1 + s2 + s3; price =~ p1 + p2 + p3; price ~ UX + service; b1 ~ price"
    picture = plots.path_diagram(models.latent(syntax, people), title="What goes where")
    said = repr(picture)
    assert said.startswith("What goes where. Standardised: UX is measured by u1 ")
    assert re.search(r"price depends on UX \d\.\d\d, service \d\.\d\d; b1 depends on price \d\.\d\d", said)
    assert "UX and service correlate" in said


def test_what_is_below_zero_and_what_is_fixed_looks_different(people: pd.DataFrame) -> None:
    fit = models.latent("UX =~ u1 + 1*u2 + u3; brand =~ b1 + b2 + b3; UX ~~ 0.4*brand", people)
    picture = plots.path_diagram(fit)
    colors = {each.get_label(): each.get_color() for each in picture.figure.axes[0].texts if each.get_gid()}
    assert colors["brand\nb3"] == "#D55E00"
    assert colors["brand\nb2"] == "#0072B2"
    assert colors["UX\nbrand"] == "#595959"


def test_long_names_are_cut_in_the_picture_alone(people: pd.DataFrame) -> None:
    named = people.rename(columns={"u1": "ease_of_finding_things"})
    picture = plots.path_diagram(models.latent("UX =~ ease_of_finding_things + u2 + u3 + s1", named))
    assert "ease_of_finding_things 0." in repr(picture)
    assert "ease_of_fin…" in [each.get_text() for each in picture.figure.axes[0].texts]


def test_what_is_no_diagram_is_refused(people: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match=r"draws a fit of models\.latent; got 'linear'"):
        plots.path_diagram(models.linear("u1 ~ u2", people, unit=None))
    with pytest.raises(ArgumentError, match=r"draws a fit of models\.latent"):
        plots.path_diagram("UX =~ u1")  # type: ignore[arg-type]
    both = models.latent("UX =~ u1 + u2 + u3 + s1", people, group="team", options=LatentOptions(equal=["loadings"]))
    with pytest.raises(ArgumentError, match="one group"):
        plots.path_diagram(both)
    with pytest.raises(ModelError, match="The model measures nothing"):
        plots.path_diagram(models.latent("u1 ~ u2 + u3", people))
