"""Panels: what changes first in units that are asked again and again."""
