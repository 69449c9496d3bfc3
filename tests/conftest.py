"""What every test can ask for: a table in any engine, the folder of raw data, a settled environment."""

import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from tools.notebooks import settle_environment

settle_environment()  # before numpy is imported, and inherited by the kernels that nbval starts

import matplotlib  # noqa: E402
import pandas as pd  # noqa: E402
import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

matplotlib.use("Agg")  # for this process only; kernels keep their inline figures
settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
settings.load_profile("repeatable")

ROOT = Path(__file__).resolve().parent.parent
ENGINES = ("pandas", "polars", "polars-lazy", "arrow", "duckdb")


def arrow_table(frame: pd.DataFrame, missing: Literal["null", "nan"]) -> Any:
    """An Arrow table; with ``missing="nan"`` float columns keep NaN instead of null."""
    import pyarrow as pa

    table = pa.Table.from_pandas(frame, preserve_index=False)
    if missing == "nan":
        for position, name in enumerate(table.column_names):
            if pa.types.is_floating(table.schema.field(name).type):
                values = pa.array(frame[name].to_numpy(float), from_pandas=False)
                table = table.set_column(position, name, values)
    return table


@pytest.fixture(params=ENGINES)
def frame(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """A function that turns a pandas DataFrame into the native object of one engine.

    Missing values become nulls where the engine has them; ``frame(data, missing="nan")`` keeps them as
    NaN in float columns.
    """
    engine = request.param
    connections = []

    def native(data: pd.DataFrame, missing: Literal["null", "nan"] = "null") -> Any:
        if engine == "pandas":
            return data.copy()
        table = arrow_table(data, missing)
        if engine == "arrow":
            return table
        if engine == "duckdb":
            import duckdb

            connections.append(duckdb.connect())
            return connections[-1].from_arrow(table)
        import polars as pl

        whole = pl.from_arrow(table)
        return whole.lazy() if engine == "polars-lazy" else whole

    yield native
    for connection in connections:
        connection.close()


@pytest.fixture
def raw_data() -> Path:
    """The folder of raw data: CXUXLIB_DATA, else ``shared/data`` beside the repository."""
    folder = Path(os.environ.get("CXUXLIB_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("raw data are absent: neither CXUXLIB_DATA nor shared/data beside the repository")
    return folder


@pytest.fixture(scope="session")
def cdnow() -> Path:
    """The folder with the CDNOW sample of 2,357 customers, which the package lifetimes carries; it is not imported."""
    spec = importlib.util.find_spec("lifetimes")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(place) / "datasets" / "CDNOW_sample.txt").is_file():
            return Path(place) / "datasets"
    pytest.skip("the CDNOW sample is absent: it comes with the package lifetimes, a dependency of the tests")
