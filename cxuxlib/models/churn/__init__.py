"""Who leaves, and when: churn in a window, hazards, curves of lasting, landmarks."""
