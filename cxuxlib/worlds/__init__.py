"""Worlds whose truth is known: what is simulated here can be held against what is found."""

from cxuxlib.worlds.clicks import event_log, event_log_truth, write_event_log
from cxuxlib.worlds.named import WORLDS, names
from cxuxlib.worlds.parameters import (
    Experience,
    Facet,
    Loyalty,
    Market,
    Questionnaire,
    Redesign,
    Touchpoints,
    World,
    changed,
)
from cxuxlib.worlds.storing import write_study
from cxuxlib.worlds.studies import make
from cxuxlib.worlds.truths import TRUTHS, truth

__all__ = [
    "TRUTHS",
    "WORLDS",
    "Experience",
    "Facet",
    "Loyalty",
    "Market",
    "Questionnaire",
    "Redesign",
    "Touchpoints",
    "World",
    "changed",
    "event_log",
    "event_log_truth",
    "make",
    "names",
    "truth",
    "write_event_log",
    "write_study",
]
