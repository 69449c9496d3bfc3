"""Answers of an outcome as ordered categories, and as yes or no."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cxuxlib.errors import AnswerError, ModelError, listed
from cxuxlib.models.regression.designs import Plan, outcome_numbers

_MOST = 200  # categories; more are a number


class Categories(NamedTuple):
    """An ordered outcome.

    Args:
        y: of each distinct answer, the place of its category, shape (m,).
        labels: the categories that occur, in order: numbers or texts.
        empty: those between or among them that nobody chose.
    """

    y: np.ndarray
    labels: tuple[Any, ...]
    empty: tuple[Any, ...]


def ordered(plan: Plan, answers: pd.DataFrame) -> Categories:
    """The categories of an ordered outcome, refused where their order is not known."""
    values = answers[plan.name] if plan.name else pd.Series(outcome_numbers(plan.outcome, answers))
    given: tuple[Any, ...] | None = plan.levels
    categorical = isinstance(values.dtype, pd.CategoricalDtype)
    if given is None and categorical:
        if not values.cat.ordered:
            raise AnswerError(
                f"The answers in {plan.name!r} are texts whose order is not known. Give numbers or an ordered "
                f"categorical, or where a model takes a formula, the order in it: C({plan.name}, levels=[...]) ~ ..."
            )
        given = tuple(values.cat.categories)
    if given is None:
        found, y = np.unique(values.to_numpy(), return_inverse=True)
        labels, whole = found.tolist(), bool((np.rint(found.astype(float)) == found).all())
        if whole:
            labels = [int(each) for each in labels]
        few = whole and labels[-1] - labels[0] < _MOST
        empty = tuple(sorted(set(range(labels[0], labels[-1])) - set(labels))) if few else ()
    else:
        place = pd.Index(given).get_indexer(values.astype(object) if categorical else values)
        if (place < 0).any():
            strange = list(dict.fromkeys(values[place < 0]))
            raise AnswerError(
                f"There are answers {listed(strange)} in {plan.name!r}, which are not among {listed(given)}."
            )
        seen, y = np.unique(place, return_inverse=True)
        labels = [given[i] for i in seen]
        empty = tuple(each for i, each in enumerate(given) if i not in set(seen.tolist()))
    if len(labels) < 2:
        raise ModelError(f"All answers in {plan.outcome!r} are {labels[0]!r}; there is nothing to explain.")
    if len(labels) > _MOST:
        raise ModelError(
            f"{plan.outcome!r} has {len(labels):,} different answers; an ordered outcome has few. Use models.linear "
            "(in key drivers, outcome_as='linear'), or round the answers first."
        )
    return Categories(y, tuple(labels), empty)


def yes_or_no(plan: Plan, answers: pd.DataFrame) -> np.ndarray:
    """The outcome of a logit as 0 and 1."""
    values = answers[plan.name] if plan.name and not plan.levels else None
    if values is not None and isinstance(values.dtype, pd.CategoricalDtype):
        example = str(values.iloc[0])
        raise AnswerError(f"{plan.name!r} holds texts; say which one is 1, such as I({plan.name} == {example!r}) ~ ...")
    y = values.to_numpy() if values is not None else outcome_numbers(plan.outcome, answers)
    found = np.unique(y)
    if not np.isin(found, (0, 1)).all():
        raise AnswerError(
            f"The outcome of a logit is 0 or 1, or true or false; {plan.outcome!r} holds {listed(found.tolist(), 5)}. "
            f"Say which answers are 1, such as I({plan.outcome} >= {found[-1]:g}) ~ ..."
        )
    if len(found) < 2:
        raise ModelError(f"All answers in {plan.outcome!r} are {found[0]:g}; there is nothing to explain.")
    return y.astype(np.int64)
