"""Structural equation models as numbers: implied moments, their derivatives, fitting, tests and fit measures."""
