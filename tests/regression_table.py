"""Answers that the regressions are refused on, one way or the other."""

import numpy as np
import pandas as pd

rng = np.random.default_rng(1)
N = 120
TABLE = pd.DataFrame({
    "y": rng.integers(1, 6, N), "a": rng.integers(1, 6, N), "b": rng.normal(size=N), "flat": 1.0, "text": "x",
    "segment": rng.choice(["app", "web"], N), "w": 1.0, "f": 1, "g": np.arange(N) % 7,
})  # fmt: skip
TABLE["both"], TABLE["copy"], TABLE["yes"] = TABLE["a"] + TABLE["b"], TABLE["a"], TABLE["y"] > 3
