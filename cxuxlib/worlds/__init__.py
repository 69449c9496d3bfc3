"""Worlds whose truth is known: what is simulated here can be held against what is found."""

from cxuxlib.worlds.clicks import event_log, event_log_truth, write_event_log

__all__ = ["event_log", "event_log_truth", "write_event_log"]
