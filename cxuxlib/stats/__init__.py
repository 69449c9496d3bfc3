"""Statistics that see numbers and arrays only, never a dataframe."""
