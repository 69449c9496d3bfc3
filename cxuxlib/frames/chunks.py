"""Tables larger than memory, written to one Parquet file a chunk at a time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

__all__ = ["write_chunks"]


def write_chunks(path: Path, chunks: Iterable[pd.DataFrame]) -> Path:
    """Write chunks of one table to a Parquet file; where it fails or is interrupted, nothing is left behind."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    begun = path.with_name(path.name + ".part")
    writer = None
    try:
        for chunk in chunks:
            table = pa.Table.from_pandas(chunk, preserve_index=False)
            writer = writer or pq.ParquetWriter(begun, table.schema)
            writer.write_table(table, row_group_size=1_000_000)
        if writer is not None:
            writer.close()
        return begun.replace(path)
    finally:
        begun.unlink(missing_ok=True)
