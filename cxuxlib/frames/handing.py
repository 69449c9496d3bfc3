"""Long pandas frames are handed to DuckDB, which reads them where they lie and groups them faster."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

__all__ = ["LONG", "in_engine"]

LONG = 200_000  # rows from which it pays


def in_engine(lazy: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """A long pandas frame of plain columns as a relation of DuckDB; any other frame as it is."""
    if not lazy.implementation.is_pandas():
        return lazy
    native: pd.DataFrame = lazy.to_native()
    if len(native) < LONG or find_spec("duckdb") is None or not all(map(_plain, native.dtypes)):
        return lazy
    import duckdb

    return nw.from_native(duckdb.connect().from_df(native)).lazy()


def _plain(dtype: Any) -> bool:
    return (
        dtype.kind in "biuf" if isinstance(dtype, np.dtype) else isinstance(dtype, pd.StringDtype | pd.CategoricalDtype)
    )
