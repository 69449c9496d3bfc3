"""Dataframes of any engine in, small pandas tables of sums and counts out.

This package alone knows dataframe engines. It reads pandas, Polars (eager and lazy), Arrow, DuckDB and
PySpark through narwhals, builds one lazy plan, and brings back a few numbers per segment.
"""

from cxuxlib.frames.answers import Answers, answers, answers_by
from cxuxlib.frames.distinct import Cells, cells
from cxuxlib.frames.pairing import pairs
from cxuxlib.frames.reduce import sums
from cxuxlib.frames.scatter import moments, moments_by
from cxuxlib.frames.spans import Durations, Period, Until, ages, durations, histories
from cxuxlib.frames.tally import columns, counts, expand
from cxuxlib.frames.waves import Panel, panel

__all__ = [
    "Answers",
    "Cells",
    "Durations",
    "Panel",
    "Period",
    "Until",
    "ages",
    "answers",
    "answers_by",
    "cells",
    "columns",
    "counts",
    "durations",
    "expand",
    "histories",
    "moments",
    "moments_by",
    "pairs",
    "panel",
    "sums",
]
