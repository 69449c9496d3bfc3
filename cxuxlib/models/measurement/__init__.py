"""What a latent model says of its measures: how reliable, how distinct, and how much of it is method."""
