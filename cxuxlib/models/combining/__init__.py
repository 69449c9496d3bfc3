"""How experiences combine: rules out of sample, penalties and rewards, importance against performance."""
