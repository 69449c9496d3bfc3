"""Results of any engine into Parquet: all of it under its name, or nothing."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from threading import Event, Thread
from time import perf_counter
from typing import Any
from uuid import uuid4

import narwhals as nw
from narwhals.exceptions import NarwhalsError

from cxuxlib.errors import ArgumentError, DataError
from cxuxlib.frames.logs import owner_of
from cxuxlib.frames.reading import engine_errors

__all__ = ["save"]


def save(frame: Any, path: str | Path, *, progress: bool = True) -> Path:
    """Write a frame, or compute a lazy result straight into a Parquet file, without bringing its rows to Python.

    It is written beside the file under another name, which is changed at the end; where it fails or is interrupted
    (Ctrl-C), what was begun is removed, and a file that was there before stays as it was.

    Args:
        frame: a frame of pandas, Polars (eager or lazy), Arrow, DuckDB or PySpark, such as `attempts` gives.
        path: the file, ending in .parquet; Spark makes a folder of that name, which every worker must be able to reach.
        progress: tell about it on standard error, at most once a second: how much is done, where DuckDB computes a log
            that `read` opened (in a notebook it wants ipywidgets for that); elsewhere that it began and has ended.

    Returns:
        The path.

    Raises:
        ArgumentError: no such folder, or no such frame. DataError: the result cannot be computed or written.

    Source: practice. Checked against: what is read back; an interrupt half-way.

    >>> import pandas as pd, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save(pd.DataFrame({"user_id": [1, 2]}), folder + "/users.parquet", progress=False)
    ...     pd.read_parquet(path)["user_id"].tolist()
    [1, 2]
    """
    target = _target(path)
    try:
        found = nw.from_native(frame)
    except (TypeError, NarwhalsError) as error:
        raise ArgumentError(f"A {type(frame).__name__} is no frame that can be saved.") from error
    spark = found.implementation.is_pyspark() or found.implementation.is_pyspark_connect()
    if target.is_dir() or (spark and target.exists()):
        raise ArgumentError(f"{str(target)!r} is there already, and no file that could be replaced; remove it first.")
    begun = target.with_name(f".{target.name}.{uuid4().hex[:8]}.part")
    owner = owner_of(found.to_native()) if found.implementation.is_duckdb() else None
    try:
        with _telling(target.name, owner) if progress else nullcontext(), engine_errors(f"{target}: "):
            if spark:
                found.to_native().write.parquet(begun.as_uri())
                if not any(begun.glob("part-*")):
                    raise DataError(f"The workers cannot reach {str(target.parent)!r}; give a folder that all share.")
            elif isinstance(found, nw.LazyFrame):
                _interruptibly(partial(found.sink_parquet, str(begun)), owner)
            else:
                found.write_parquet(str(begun))
            begun.replace(target)
    finally:
        if begun.is_dir():
            shutil.rmtree(begun)
        begun.unlink(missing_ok=True)
    return target


def _target(path: str | Path) -> Path:
    if not isinstance(path, str | Path) or Path(path).suffix.lower() not in (".parquet", ".pq"):
        raise ArgumentError(f"A result is saved to a file such as 'attempts.parquet'; got {path!r}.")
    if "://" in str(path):
        raise ArgumentError(f"save writes to a folder of this machine; for {str(path)!r} use the engine's own writer.")
    target = Path(path).expanduser().absolute()
    if not target.parent.is_dir():
        raise ArgumentError(f"There is no folder {str(target.parent)!r} to save in; make it first.")
    return target


def _interruptibly(work: Callable[[], None], owner: Any) -> None:
    """Run work of a connection so that Ctrl-C stops it: DuckDB itself notices only now and then."""
    if owner is None:
        work()
        return
    with ThreadPoolExecutor(1) as other:
        task = other.submit(work)
        try:
            task.result()
        except KeyboardInterrupt:
            owner.interrupt()
            raise


@contextmanager
def _telling(name: str, owner: Any) -> Iterator[None]:
    """Say on standard error that work begins and ends, and in between how much of it a connection has done."""
    done, began, how = Event(), perf_counter(), "stopped, nothing kept,"

    def say(text: str) -> None:
        print(f"{name}: {text}", file=sys.stderr, flush=True)

    def watch() -> None:
        while owner is not None and not done.wait(1.0):
            if (share := owner.query_progress()) >= 0:
                say(f"{share:.0f} % after {perf_counter() - began:.0f} s")

    watcher = Thread(target=watch, daemon=True)
    say("started")
    watcher.start()
    try:
        yield
        how = "finished"
    finally:
        done.set()
        watcher.join()
        say(f"{how} after {perf_counter() - began:.1f} s")
