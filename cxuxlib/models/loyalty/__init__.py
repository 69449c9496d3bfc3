"""What staying is worth: contracts that are renewed, purchases that are repeated, and what drives them, in money."""
