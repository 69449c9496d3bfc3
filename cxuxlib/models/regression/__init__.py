"""Regressions on distinct rows: linear, logit and ordered, their predictions and marginal effects."""
