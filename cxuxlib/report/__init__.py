"""Rulings as one HTML page that opens from disk, and as lines in a terminal."""

from cxuxlib.report.page import lines, write

__all__ = ["lines", "write"]
