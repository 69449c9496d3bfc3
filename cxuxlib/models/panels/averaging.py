"""A fitted panel model in a few rows: paths averaged over waves, raw and standardised, by the delta method."""

from __future__ import annotations

import numpy as np

from cxuxlib.models.panels.writing import PATHS
from cxuxlib.models.structural.fitting import Latent, raw_of
from cxuxlib.models.structural.implying import correlation, covariance, figures, mean, path, root
from cxuxlib.results import Fit
from cxuxlib.stats import intervals


def averaged(fit: Fit, waves: int, prefix: str = "") -> list[dict[str, object]]:
    """The rows of a model with or without random intercepts: term, kind, value, std_error, low, high, p.

    Args:
        fit: a fit of `latent`.
        waves: how many waves.
        prefix: of the kinds, "std" and "raw".
    """
    found = raw_of(fit)
    states = _states(found, waves)
    std, raw = {}, {}
    for term, (effect, cause) in PATHS.items():
        steps = list(zip(states[effect][1:], states[cause][:-1], strict=True))
        raw[term] = mean([path(found, b, a) for b, a in steps])
        std[term] = mean([
            path(found, b, a) * root(covariance(found, a, a)) / root(covariance(found, b, b)) for b, a in steps
        ])  # fmt: skip
    first = {name: std[name] for name in ("x_to_y", "y_to_x")}
    std = first | {"difference": std["x_to_y"] - std["y_to_x"]} | std
    pairs = list(zip(states["x"], states["y"], strict=True))
    raw["within_correlation"] = mean([covariance(found, a, b) for a, b in pairs])
    std["within_correlation"] = mean([correlation(found, a, b) for a, b in pairs])
    if "trait_x" in found.table.latent:
        raw["ri_correlation"] = covariance(found, "trait_x", "trait_y")
        std["ri_correlation"] = correlation(found, "trait_x", "trait_y")
        for name in "xy":
            lasting = covariance(found, f"trait_{name}", f"trait_{name}")
            raw[f"ri_{name}"] = lasting
            std[f"ri_{name}"] = mean([lasting / (lasting + covariance(found, at, at)) for at in states[name]])
    z = intervals.normal_quantile(fit.level)
    return [
        {"term": term, "kind": f"{prefix}{kind}", **figures(each, found.covariance, z)}
        for kind, every in (("std", std), ("raw", raw))
        for term, each in every.items()
    ]


def _states(found: Latent, waves: int) -> dict[str, list[str]]:
    """What the paths lead between, wave by wave: what is within units, latent states, or the variables themselves."""
    latent = found.table.latent
    forms = {
        name: next((form for form in (f"within_{name}", f"state_{name}") if f"{form}1" in latent), name)
        for name in "xy"
    }
    return {name: [f"{form}{t}" for t in range(1, waves + 1)] for name, form in forms.items()}


def intercepts(found: Latent) -> tuple[np.ndarray, np.ndarray]:
    """Variance, covariance and variance of the random intercepts, and the covariance of these estimates."""
    parts = [covariance(found, f"trait_{a}", f"trait_{b}") for a, b in ("xx", "xy", "yy")]
    slopes = np.array([each.slope for each in parts])
    return np.array([each.value for each in parts]), slopes @ found.covariance @ slopes.T
