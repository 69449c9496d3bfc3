"""Moderation: what a cause does to an outcome depends on something else, latent or a group."""
