"""The one rule for writing numbers, shared by reprs, plots and reports."""

from math import floor, isfinite, log10


def decimals(low: float, high: float) -> int:
    """Decimals that leave two significant digits of an interval's half-width (0 to 6).

    >>> decimals(28.1, 40.3), decimals(0.905, 1.004)
    (1, 3)
    """
    half = (high - low) / 2
    if not (isfinite(half) and half > 0):
        return 3
    return min(6, max(0, 1 - floor(log10(half))))


def number(value: float, places: int = 3) -> str:
    """Write a number with a fixed number of decimals; what does not exist is a dash.

    >>> number(-0.0004), number(12345.678, 1), number(float("nan"))
    ('0.000', '12,345.7', '–')
    """
    if not isfinite(value):
        return "–" if value != value else ("∞" if value > 0 else "-∞")
    return f"{round(value, places) + 0.0:,.{places}f}"


def interval(low: float, high: float, places: int | None = None) -> str:
    """Write an interval with as many decimals as its width supports.

    >>> interval(28.13, 40.27)
    '[28.1, 40.3]'
    """
    places = decimals(low, high) if places is None else places
    return f"[{number(low, places)}, {number(high, places)}]"


def percent(level: float) -> str:
    """Write a confidence level as a whole percentage, or with the decimals it needs.

    >>> percent(0.95), percent(0.999)
    ('95%', '99.9%')
    """
    return f"{100 * level:.6g}%"


def p_value(p: float) -> str:
    """Write a p-value to three decimals.

    >>> p_value(0.0321), p_value(0.00001)
    ('p = 0.032', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {number(p)}"
