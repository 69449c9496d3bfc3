"""What a claim is, and what may be said of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from math import inf, isfinite, nan
from typing import TYPE_CHECKING, Literal

from scipy.special import ndtr, ndtri

from cxuxlib import text
from cxuxlib.errors import ArgumentError, DataError
from cxuxlib.results import Estimate

if TYPE_CHECKING:
    from cxuxlib.claims.case import Case

Verdict = Literal["supported", "refuted", "undecided", "not answerable"]
Rung = Literal["association", "temporal", "quasi-experiment", "experiment"]


@dataclass(frozen=True, slots=True)
class Region:
    """Where an estimate must lie for a claim to be supported, and where for it to be refuted.

    Args:
        holds: (low, high); the claim is supported where the whole interval lies inside.
        fails: (low, high); the claim is refuted where the whole interval lies inside; with low above high, where it
            lies above low or below high.
        level: of the interval. At 0.90 each end is a one-sided 95% bound, so either verdict is meant
            to err in 5% of samples where the truth lies on the border (0 to 9% in the simulations so far).

    >>> Region(holds=(-inf, 0.9), fails=(0.9, inf)).verdict(Estimate(0.7, 0.6, 0.8, 300, "t", level=0.9))
    'supported'
    """

    holds: tuple[float, float]
    fails: tuple[float, float]
    level: float = 0.90

    def verdict(self, estimate: Estimate) -> Verdict:
        """Say which region the interval lies in: supported, refuted, or undecided where it lies in neither."""
        self._check(estimate)
        if _inside(estimate, self.holds):
            return "supported"
        return "refuted" if any(_inside(estimate, part) for part in _parts(self.fails)) else "undecided"

    def p_values(self, estimate: Estimate) -> tuple[float, float]:
        """One-sided p of "supported" and of "refuted": below .05 where the interval of level .90 says so.

        Each side of the interval is taken for that of a normal distribution: z is the distance of the estimate to the
        border, in distances of the estimate to its end there. Of two borders the larger p counts (TOST).

        >>> region = Region(holds=(-inf, 0.9), fails=(0.9, inf))
        >>> [round(each, 3) for each in region.p_values(Estimate(0.8, 0.7, 0.9, 300, "t", level=0.9))]
        [0.05, 0.95]
        """
        self._check(estimate)
        unit = float(ndtri(0.5 + self.level / 2))

        def of(ends: tuple[float, float]) -> float:
            found = [0.0 if isfinite(estimate.value) else nan]
            for border, side in zip(ends, (1, -1), strict=True):
                if isfinite(border):
                    gap = side * (estimate.value - border)
                    end = estimate.low if (side > 0) == (gap > 0) else estimate.high
                    width = abs(estimate.value - end)
                    found.append(float(ndtr(-gap / width * unit)) if width > 0 else float(gap <= 0))
            return max(found)

        return of(self.holds), min(of(part) for part in _parts(self.fails))

    def at(self, bound: float) -> Region:
        """The same rule with another bound: the border between both, both ends around 0, or where it holds.

        >>> str(Region((-0.1, 0.1), (0.1, inf)).at(0.15))
        'holds within -0.15 to 0.15, fails above 0.15'
        """
        (low, high), (under, over) = self.holds, self.fails
        holds = (-bound if isfinite(low) else low, bound) if isfinite(high) else (bound, high)
        fails = (bound if under == high else under, (-bound if under > over else bound) if over == low else over)
        return replace(self, holds=holds, fails=fails)

    def _check(self, estimate: Estimate) -> None:
        if not abs(estimate.level - self.level) < 1e-12:
            raise ArgumentError(f"The region wants an interval of level {self.level}; this one has {estimate.level}.")

    def __str__(self) -> str:
        return f"holds {range_of(self.holds)}, fails {range_of(self.fails)}"


def _parts(ends: tuple[float, float]) -> list[tuple[float, float]]:
    """A range, or what lies outside of one."""
    low, high = ends
    return [ends] if low <= high else [(low, inf), (-inf, high)]


def _inside(estimate: Estimate, ends: tuple[float, float]) -> bool:
    return ends[0] < estimate.low and estimate.high < ends[1]


def range_of(ends: tuple[float, float]) -> str:
    """A range in words."""
    low, high = ends
    if low > high:
        return f"outside {high:g} to {low:g}"
    if low == -inf:
        return f"below {high:g}"
    return f"above {low:g}" if high == inf else f"within {low:g} to {high:g}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the test of a claim found: an estimate, what a reader must know of it, and what it cannot carry.

    Args:
        estimate: with an interval of the region's level.
        reason: sentences.
        cannot: verdicts that are "undecided" instead, whatever the interval.
        also: further estimates, each with the region that it must lie in too.
        rung: that these data reach, where it is not the claim's.
        ratio: whether the estimate is a ratio, which is 1 where there is no effect.
    """

    estimate: Estimate
    reason: str
    cannot: tuple[Verdict, ...] = ()
    also: tuple[tuple[Estimate, Region], ...] = ()
    rung: Rung | None = None
    ratio: bool = False


def together(conditions: Sequence[tuple[Estimate, Region]]) -> tuple[Verdict, tuple[float, float]]:
    """The verdict on conditions that must all hold, and the one-sided p of "supported" and of "refuted".

    Supported where each condition is: an intersection-union test needs no correction. Refuted where one is at its share
    of the level (Bonferroni), for either may do it by chance.

    Args:
        conditions: estimates with their regions, which want intervals of one level.

    Returns:
        The verdict, and the two p: the largest of "supported", and the smallest of "refuted" times their number.

    Raises:
        ArgumentError: an interval of another level than its region's.

    Source: Berger 1982, doi:10.1080/00401706.1982.10487790. Checked against: the verdicts one by one, and its level
    where both conditions are on the border.

    >>> above = Region(holds=(0, inf), fails=(-inf, 0))
    >>> found = [(Estimate(value, value - 0.1, value + 0.1, 300, "t", 0.9), above) for value in (0.3, -0.3)]
    >>> together(found)[0], together(found[:1])[0]
    ('refuted', 'supported')
    """
    verdicts = [region.verdict(estimate) for estimate, region in conditions]
    chances = [region.p_values(estimate) for estimate, region in conditions]
    if len(conditions) == 1:
        return verdicts[0], chances[0]
    supported = max(each for each, _ in chances)
    refuted = min(1.0, len(chances) * min(each for _, each in chances))
    if all(each == "supported" for each in verdicts):
        return "supported", (supported, refuted)
    level = conditions[0][1].level
    return "refuted" if refuted < (1 - level) / 2 else "undecided", (supported, refuted)


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence that data can prove wrong, with the rule written before the data.

    Args:
        id: short name.
        sentence: the claim in words.
        source: who claims it.
        estimand: the quantity that decides.
        region: the decision rule.
        test: computes the evidence from a `Case` (the study, with what claims share) and a level, or raises
            `NotAnswerable` with the reason.
        rung: the strongest rung of evidence that the test can reach.
        true_where, false_where: worlds of `worlds.names()` in which the claim holds, and in which it fails.
        gates: claims that must be supported first.
        bounds: the range of bounds that a study may set instead of the default.
        ordinal: the test takes answers by their order alone, so that to take them as numbers is no choice one might
            have made instead.
    """

    id: str
    sentence: str
    source: str
    estimand: str
    region: Region
    test: Callable[[Case, float], Evidence] = field(repr=False)
    rung: Rung
    true_where: str
    false_where: str
    gates: tuple[Claim, ...] = ()
    bounds: tuple[float, float] = (-inf, inf)
    ordinal: bool = False

    def region_with(self, settings: object) -> Region:
        """The decision rule with the bound that a study has set."""
        if not isinstance(settings, Mapping) or set(settings) != {"bound"}:
            raise DataError(f'The study sets {settings!r} for {self.id!r}; what can be set is {{"bound": number}}.')
        bound, (low, high) = settings["bound"], self.bounds
        if isinstance(bound, bool) or not isinstance(bound, int | float) or not low < bound < high:
            raise DataError(
                f"The study sets the bound {bound!r} for {self.id!r}; a bound of the {self.estimand} is a number "
                f"between {low:g} and {high:g}."
            )
        return self.region.at(float(bound))


@dataclass(frozen=True, slots=True)
class Ruling:
    """The verdict on one claim in one study.

    Args:
        claim: what was judged.
        verdict: at the claim's own level.
        estimate: None where it is not answerable.
        region: the decision rule that held.
        rung: of the evidence.
        reason: what a reader must know.
        p: one-sided p of the verdict that is nearer; NaN where nothing can be decided.
        corrected: the verdict that stays with the other claims of the study (Holm); of `judge_all`.
        bound_set: whether the study has set the bound before it was judged.

    >>> claim = Claim("X", "more is better", "test", "slope", Region((0, inf), (-inf, 0)), None, "association", "", "")
    >>> Ruling(claim, "undecided", Estimate(0.1, -0.1, 0.3, 50, "t", 0.9, "slope"), claim.region, "association", "why")
    X undecided: slope = 0.10, 90% CI [-0.10, 0.30], n = 50 (t); holds above 0, fails below 0; association. why
    """

    claim: Claim
    verdict: Verdict
    estimate: Estimate | None
    region: Region
    rung: Rung | None
    reason: str
    p: float = nan
    corrected: Verdict | None = None
    bound_set: bool = False

    @property
    def decided(self) -> bool:
        """Whether the claim is supported or refuted."""
        return self.verdict in ("supported", "refuted")

    @property
    def rule(self) -> str:
        """The decision rule in words."""
        return f"{self.region}" + (" (set by the study)" if self.bound_set else "")

    @property
    def weakened(self) -> str:
        """What the correction for several claims leaves, in words; empty where it changes nothing."""
        if self.corrected in (None, self.verdict):
            return ""
        return f" With the other claims of the study, {self.corrected} (Holm, {text.p_value(self.p)})."

    def __repr__(self) -> str:
        found = f": {self.estimate!r}; {self.rule}; {self.rung}." if self.estimate else ":"
        return f"{self.claim.id} {self.verdict}{found} {self.reason}{self.weakened}"

    def _repr_html_(self) -> str:
        found = f"<br>{escape(repr(self.estimate))}; {escape(self.rule)}; {self.rung}." if self.estimate else ""
        return (
            f"<p><strong>{escape(self.claim.id)} {escape(self.verdict)}</strong>: {escape(self.claim.sentence)}."
            f"{found}<br>{escape(self.reason + self.weakened)}</p>"
        )
