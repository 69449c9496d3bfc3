"""From a log of events to one row per session, attempt, customer or period, on the engine that holds it."""

from cxuxlib.events.customers import Source, journey, lifetimes
from cxuxlib.events.funnels import funnel
from cxuxlib.events.logs import Bots, Log, left_out, read
from cxuxlib.events.tasks import Task, attempts, unplaced
from cxuxlib.events.visits import sessions
from cxuxlib.frames.saving import save

__all__ = [
    "Bots",
    "Log",
    "Source",
    "Task",
    "attempts",
    "funnel",
    "journey",
    "left_out",
    "lifetimes",
    "read",
    "save",
    "sessions",
    "unplaced",
]
