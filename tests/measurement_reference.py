"""Lavaan's reliabilities, correlations and method factors, their data, and data in all forms."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.structural_reference import CASES, frame_of

STORED: dict[str, Any] = json.loads(
    (Path(__file__).parent / "reference" / "measurement.json").read_text(encoding="utf-8")
)
ROWS = frame_of(CASES["three_mlr"])
HALO = pd.DataFrame(
    {
        name: np.array(values, dtype=float) / 100
        for name, values in zip(STORED["halo"]["names"], STORED["halo"]["rows"].values(), strict=True)
    }
)


def drawn(loadings: np.ndarray, phi: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Normal answers of items with these loadings on factors that correlate so, all of variance 1."""
    shared = loadings @ phi @ loadings.T
    np.fill_diagonal(shared, 1.0)
    return rng.normal(size=(n, len(loadings))) @ np.linalg.cholesky(shared).T
