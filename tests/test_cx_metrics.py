"""CX metrics: published figures, directions, what is refused, five engines."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxuxlib import cx, estimate, measure
from cxuxlib.errors import AnswerError, ArgumentError

Native = Callable[..., Any]
NUMBERS = ["value", "low", "high", "n", "n_missing"]
THREE = pd.DataFrame({"satisfaction": [8, 8], "expectations": [6, 8], "ideal": [7, 7]})


@pytest.mark.parametrize(("weights", "index"), [(None, 70.37), ((0.3885, 0.3190, 0.2925), 70.98)])
def test_acsi_of_means_8_7_7(weights: tuple[float, float, float] | None, index: float) -> None:
    metric = cx.acsi(weights=weights) if weights else cx.acsi()
    assert round(measure(THREE, metric)["value"].item(), 2) == index


@pytest.mark.parametrize("weights", [(0.5, 0.5, 0.5), (1.2, -0.1, -0.1), (0.5, 0.5)])
def test_acsi_weights_add_up(weights: Any) -> None:
    with pytest.raises(ArgumentError, match="add up to 1"):
        cx.acsi(weights=weights)


def test_acsi_error_names_the_column(frame: Native) -> None:
    with pytest.raises(AnswerError, match="1 answer in column 'ideal'"):
        measure(frame(THREE.assign(ideal=[7, 11])), cx.acsi())


def test_missing_in_two_ratings_counts_once(frame: Native) -> None:
    data = pd.DataFrame({"satisfaction": [8, np.nan, 8.0], "expectations": [6, np.nan, 8.0], "ideal": [7.0, 7, 7]})
    row = measure(frame(data), cx.acsi()).iloc[0]
    assert (row["n"], row["n_missing"]) == (2, 1)


@pytest.mark.parametrize("name", cx.__all__)
def test_direction(name: str) -> None:
    metric = cx.top_box(["a", "b"]) if name == "top_box" else getattr(cx, name)()
    assert metric.higher_is_better is (name != "ces_1")


def test_ces_1_is_the_mean_effort() -> None:
    assert estimate([1, 2, 5, 4], cx.ces_1()).value == 3


@pytest.mark.parametrize("answer", range(1, 8))
def test_ces_2_counts_5_to_7(answer: int) -> None:
    assert estimate([answer], cx.ces_2()).value == (answer >= 5)


def test_ces_1_has_no_6() -> None:
    with pytest.raises(AnswerError, match=r"CES 1\.0"):
        estimate([1, 6], cx.ces_1())


def test_unrated_is_no_part_of_csat() -> None:
    found = estimate([5, 4, 3, None], cx.csat())
    assert (found.value, found.n_missing) == (pytest.approx(2 / 3), 1)


def test_top_box_is_the_mean_of_shares() -> None:
    data = pd.DataFrame({"a": [4, 3, 4, 1], "b": [4, 4, 4, 4]})
    assert measure(data, cx.top_box(["a", "b"]))["value"].item() == pytest.approx((0.5 + 1) / 2)


def table() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    names = {"recommend": (0, 11), "satisfaction": (1, 6), "expectations": (1, 11), "ideal": (1, 11), "effort": (1, 6)}
    names |= {"ease": (1, 8), "continue": (1, 6), "a": (1, 5), "b": (1, 5)}
    data = pd.DataFrame({name: rng.integers(*ends, 300) for name, ends in names.items()}).astype(float)
    data = data.mask(rng.random(data.shape) < 0.05)
    return data.assign(customer_id=rng.integers(0, 60, 300), shop=rng.choice(["a", "b"], 300))


@pytest.mark.parametrize("name", cx.__all__)
def test_engines_agree(frame: Native, name: str) -> None:
    metric = cx.top_box(["a", "b"]) if name == "top_box" else getattr(cx, name)()
    found, expected = (measure(x, metric, by="shop", unit="customer_id") for x in (frame(table()), table()))
    np.testing.assert_allclose(found[NUMBERS].astype(float), expected[NUMBERS].astype(float), rtol=1e-9)
    assert (expected["n_missing"] > 0).all()
