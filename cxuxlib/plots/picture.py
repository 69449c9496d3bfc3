"""A figure that says in words what it shows."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from cxuxlib.errors import ArgumentError, DataError

__all__ = ["Picture"]


class Picture:
    """A drawn figure with its sentence: the sentence is computed from the artists, and is the alt text.

    Args:
        figure: a matplotlib figure.
        sentence: what it shows.
    """

    def __init__(self, figure: Any, sentence: str) -> None:
        self.figure = figure
        self.sentence = sentence

    def __repr__(self) -> str:
        return self.sentence

    def png(self, dpi: int = 100) -> bytes:
        """The figure as PNG bytes, without a date or a version in them."""
        buffer = BytesIO()
        self.figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
        return buffer.getvalue()

    def _repr_png_(self) -> tuple[bytes, dict[str, str]]:
        return self.png(), {"alt": self.sentence}

    def save(self, path: str | Path, dpi: int = 150) -> None:
        """Write the figure to a PNG file."""
        target = Path(path)
        if target.suffix.lower() != ".png":
            raise ArgumentError(f"A picture is saved as PNG; name the file {target.stem}.png, not {target.name}.")
        try:
            target.write_bytes(self.png(dpi))
        except OSError as error:
            raise DataError(f"Cannot write the picture to {target}: {error.strerror}.") from error
