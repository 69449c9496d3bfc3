"""What weights and repeated units do to the size of a sample."""

from __future__ import annotations

from math import inf

from cxuxlib.errors import SampleError
from cxuxlib.stats.intervals import RatioSums, effective_units, ratio_variance

__all__ = ["design_effect", "effective_size", "kish_size", "paired_sizes"]


def _variance_of_an_answer(sums: RatioSums) -> float:
    """Weighted variance of the scores of answers, 0 where it is no more than rounding."""
    spread = sums.q / sums.x - (sums.y / sums.x) ** 2
    return spread if spread > 1e-12 * sums.q / sums.x else 0.0


def kish_size(sums: RatioSums) -> float:
    """Effective number of answers by their weights alone, (Σw)² / Σw²: what unequal weights leave of a sample.

    It knows nothing of units that repeat, nor of weights that go with the answers; `design_effect` knows both.

    Args:
        sums: sums over units and rows, of x above 0 and a denominator of 1 per answer.

    Source: Kish 1965, Survey Sampling, section 11.7. Checked against: the formula by arrays.

    >>> kish_size(RatioSums(n=2, y=0, x=4.0, yy=0, xy=0, xx=10.0, q=0, ww=10.0))
    1.6
    """
    if not sums.ww > 0:
        raise SampleError("An effective size needs at least one answer of positive weight.")
    return sums.x**2 / sums.ww


def design_effect(sums: RatioSums, answers: float) -> float:
    """Variance of a mean or share over that of a simple random sample of as many answers.

    Var(R) / (s²/m) with the linearised Var(R) of `ratio_variance`, m answers, and the weighted variance of an answer,
    s² = m/(m - 1) (Σws²/Σw - R²). The effective number of answers is m over it.

    Args:
        sums: sums over 2 or more units, of x above 0 and a denominator of 1 per answer.
        answers: m, rows of positive weight, 2 or more.

    Source: Kish 1965, Survey Sampling, section 8.2; Lumley 2004, doi:10.18637/jss.v009.i08 (with replacement).
    Checked against: the formula by arrays, and repeated samples by simulation.

    >>> alike = RatioSums(n=4, y=4, x=8, yy=8, xy=8, xx=16, q=4, ww=8)  # 4 units, each with two like answers
    >>> round(design_effect(alike, 8), 2)
    2.33
    """
    if answers < 2:
        raise SampleError("A design effect needs at least 2 answers.")
    variance, spread = ratio_variance(sums), _variance_of_an_answer(sums)
    if spread == 0:
        raise SampleError("A design effect needs answers that differ.")
    return variance * (answers - 1) / spread


def effective_size(sums: RatioSums) -> float:
    """Answers of a simple random sample that would tell as much, for tests: at most Kish's number.

    The variance of an answer over the linearised variance, both without small-sample factors. Capped by `kish_size`,
    since chance alone often makes few units look more alike than they are; where all answers are alike, answers of a
    unit count as one, (Σx)²/Σx². One unweighted answer per unit gives n.

    Args:
        sums: sums over 2 or more units, of x above 0 and a denominator of 1 per answer.

    Source: Rao & Scott 1981, doi:10.1080/01621459.1981.10477633. Checked against: error rates by simulation.

    >>> effective_size(RatioSums(n=4, y=4, x=8, yy=8, xy=8, xx=16, q=4, ww=8))
    4.0
    """
    variance, spread = ratio_variance(sums) * (sums.n - 1) / sums.n, _variance_of_an_answer(sums)
    if spread == 0:
        return sums.x**2 / sums.xx
    return min(spread / variance, kish_size(sums)) if variance > 0 else kish_size(sums)


def paired_sizes(a: RatioSums, b: RatioSums) -> tuple[float, float]:
    """Effective answers of two samples that are compared, each by the larger of its own design effect and of both.

    Kish's size over max(d, d̄), d the design effect on it and d̄ the mean of both, weighted by (Kish's size) s²: so a
    sample of like answers has that of the other. At most Kish's size, not below (Σx)²/Σx² unless d alone says so, and
    where answers repeat over units of k `effective_units`, times (k - 1)/k over (n - 1)/n.

    Args:
        a, b: sums over units, of x above 0 and a denominator of 1 per answer; 2 or more units where they repeat.

    Source: Rao & Scott 1981, doi:10.1080/01621459.1981.10477633; the mean of both, the factor and the bound are our
    own, for samples of few units or events. Checked against: error rates by simulation.

    >>> alike = RatioSums(n=4, y=4, x=8, yy=8, xy=8, xx=16, q=4, ww=8)
    >>> paired_sizes(alike, alike._replace(y=0, yy=0, xy=0, q=0))
    (4.0, 4.0)
    """
    squares, spread = 0.0, 0.0
    for each in (a, b):
        if each.n >= 2 and (s2 := _variance_of_an_answer(each)) > 0:
            spread += s2 * kish_size(each)
            squares += ratio_variance(each) * (each.n - 1) / each.n * kish_size(each) ** 2
    shared = max(1.0, squares / spread) if spread > 0 else inf

    def size(each: RatioSums) -> float:
        units, single = effective_units(each), abs(each.xx - each.ww) <= 1e-9 * each.xx
        if single and each.n < 2:
            return kish_size(each)
        if units <= 1 + 1e-9:
            raise SampleError("one unit has no spread.")
        factor = 1.0 if single else (1 - 1 / units) / (1 - 1 / each.n)
        by_both = max(kish_size(each) / shared, units)
        if _variance_of_an_answer(each) == 0:
            return by_both * factor
        return min(effective_size(each), by_both) * factor

    return size(a), size(b)
