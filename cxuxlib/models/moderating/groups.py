"""Does what a latent cause does differ between groups?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from cxuxlib.errors import ArgumentError, listed
from cxuxlib.models.structural.estimating import latent
from cxuxlib.models.structural.fitting import raw_of
from cxuxlib.models.structural.implying import covariance, figures, path, root
from cxuxlib.models.structural.nesting import nested
from cxuxlib.models.structural.options import Estimator, LatentOptions
from cxuxlib.models.structural.shapes import quoted
from cxuxlib.results import Fit, Moments
from cxuxlib.stats import intervals

__all__ = ["group_moderation"]

_WORSE = -0.01  # fall in CFI beyond which loadings are not equal (Cheung & Rensvold 2002)


@dataclass(frozen=True, slots=True, eq=False)
class GroupModeration:
    """The fits behind a moderation by groups.

    Args:
        free: loadings are equal in all groups, slopes are not.
        equal: slopes are equal as well.
        configural: nothing is equal.
        cautions: what is wrong with the free model, in sentences.
    """

    free: Fit
    equal: Fit
    configural: Fit
    cautions: tuple[str, ...]


def group_moderation(
    data: Any,
    outcome: Sequence[str],
    cause: Sequence[str],
    group: str | None = None,
    *,
    estimator: Estimator = "ml",
    frequency: str | None = None,
    level: float = 0.95,
) -> Fit:
    """Does what a latent cause does to a latent outcome differ between groups?

    Y = m_g + b_g X + e in group g, with equal loadings, without which slopes are in other units; that they are equal is
    tested first. Then b_g free against b equal, and b_g - b_h with its interval.

    Args:
        data: one row per unit (any engine), counts (with ``frequency``), or a dict of group to `Moments`.
        outcome: its items, two or more.
        cause: its items, two or more.
        group: column of the groups; a dict names them itself.
        estimator: "ml", "mlr" or "mlm".
        frequency: column that says how many units a row stands for.
        level: confidence level, 0 to 1.

    Returns:
        A `Fit` whose terms are "slope [a]" for every group and "slope [b] - slope [a]" for every pair. Kinds: raw
        (first; in units of the first items, what the tests are about) and std (by the standard deviations of the own
        group, which may differ where slopes do not). Quality is that of the model with free slopes, with
        metric_chi2, _df, _p and _delta_cfi (equal loadings against none) and slopes_chi2, _df and _p (equal slopes
        against free). Where CFI falls by more than .01 loadings differ, slopes do not compare, and ``method`` says so.

    Raises:
        ArgumentError: too few or shared items, or no groups. Else what `latent` raises.

    Source: Jöreskog 1971, doi:10.1007/BF02291366; Cheung & Rensvold 2002, doi:10.1207/S15328007SEM0902_5.
    Checked against: lavaan 0.6-14.

    >>> import numpy as np
    >>> def shop(slope):
    ...     states = np.array([[1.0, slope], [slope, 1.0]])
    ...     return Moments(400, ("u1", "u2", "u3", "c1", "c2", "c3"), np.zeros(6),
    ...                    np.kron(states * 0.6, np.ones((3, 3))) + 0.4 * np.eye(6))
    >>> fit = group_moderation({"web": shop(0.6), "shop": shop(0.2)}, ["c1", "c2", "c3"], ["u1", "u2", "u3"])
    >>> fit.terms.loc[fit.terms["kind"] == "raw", ["term", "value", "low", "high"]].round(2)
                             term  value   low  high
    0                 slope [web]    0.6  0.48  0.72
    1                slope [shop]    0.2  0.08  0.32
    2  slope [shop] - slope [web]   -0.4 -0.56 -0.24
    """
    items = {}
    for name, given in (("cause", cause), ("outcome", outcome)):
        items[name] = [] if isinstance(given, str) or not isinstance(given, Sequence) else list(given)
        if len(items[name]) < 2 or not all(isinstance(each, str) for each in items[name]):
            raise ArgumentError(f"{name} is a list of 2 or more items; got {given!r:.80}.")
    every = [item for each in items.values() for item in each]
    shared = sorted({item for item in every if every.count(item) > 1} | (set(every) & {*items, group}))
    if shared:
        raise ArgumentError(f"{listed(shared)} stands in more than one place, or names something else; rename it.")
    if group is None and (isinstance(data, Moments) or not isinstance(data, dict)):
        raise ArgumentError("A moderation by groups: name their column in group, or give a dict of Moments.")
    if estimator == "wlsmv":
        raise ArgumentError("Slopes of ordered answers ('wlsmv') are not compared yet; take 'mlr'.")
    text = "\n".join(f"{name} =~ {' + '.join(map(quoted, each))}" for name, each in items.items())

    def fitted(equal: Sequence[str]) -> Fit:
        return latent(
            f"{text}\noutcome ~ cause", data, estimator=estimator, group=group, frequency=frequency, level=level,
            options=LatentOptions(equal=equal),
        )  # fmt: skip

    configural, free, equal = (fitted(each) for each in ((), ("loadings",), ("loadings", "regressions")))
    found, q = raw_of(free), dict(free.quality)
    metric, slopes = nested(free, configural).iloc[0], nested(equal, free).iloc[0]
    q |= {f"metric_{name}": float(metric[name]) for name in ("chi2", "df", "p", "delta_cfi")}
    q |= {f"slopes_{name}": float(slopes[name]) for name in ("chi2", "df", "p")}
    method = free.method
    if q["metric_delta_cfi"] < _WORSE:
        method += "; LOADINGS DIFFER between groups (CFI falls by more than .01), so that slopes do not compare"
    raw = {label: path(found, "outcome", "cause", g) for g, label in enumerate(found.labels)}
    ends = {name: [root(covariance(found, name, name, g)) for g in range(len(found.labels))] for name in items}
    std = {label: raw[label] * ends["cause"][g] / ends["outcome"][g] for g, label in enumerate(found.labels)}
    z = intervals.normal_quantile(level)
    rows = []
    for kind, own in (("raw", raw), ("std", std)):
        named = {f"slope [{label}]": each for label, each in own.items()}
        named |= {f"slope [{b}] - slope [{a}]": own[b] - own[a] for a, b in combinations(own, 2)}
        rows += [{"term": term, "kind": kind, **figures(each, found.covariance, z)} for term, each in named.items()]
    formula = f"outcome ~ cause by {group or 'group'}; " + "; ".join(
        f"{name} =~ {' + '.join(each)}" for name, each in items.items()
    )
    parts = GroupModeration(free, equal, configural, found.cautions)
    return Fit(f"moderation by groups ({estimator.upper()})", formula, pd.DataFrame(rows), q, parts, level, method)
