"""Confirmatory factor models and structural equations: syntax and data in, a `Fit` out."""
