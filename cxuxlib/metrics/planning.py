"""How many answers, users or sessions a study needs, and what a study of a given size can find.

- for an interval of a given half-width: ``n_for_proportion``, ``n_for_mean``, ``n_for_geometric_mean``, ``n_for_nps``;
- for a difference between two samples, or two answers of the same users: ``n_two_proportions``, ``n_two_means``,
  ``n_two_nps``, ``n_paired_proportions``, and the power with a given number: ``power_two_proportions`` and so on;
- for seeing usability problems: ``discovery_rate``, ``n_to_discover``;
- ``nps_sd``: how much one answer to the recommendation question varies, which the others of NPS need.

>>> n_for_proportion(0.05), n_two_nps(10, nps_sd(0.5, 0.2), nps_sd(0.5, 0.2)), n_to_discover(0.31, 0.85)
(381, 955, 6)
"""

from cxuxlib.stats.margins import n_for_geometric_mean, n_for_mean, n_for_nps, n_for_proportion
from cxuxlib.stats.power import (
    discovery_rate,
    n_paired_proportions,
    n_to_discover,
    n_two_means,
    n_two_nps,
    n_two_proportions,
    nps_sd,
    power_paired_proportions,
    power_two_means,
    power_two_nps,
    power_two_proportions,
)

__all__ = [
    "discovery_rate",
    "n_for_geometric_mean",
    "n_for_mean",
    "n_for_nps",
    "n_for_proportion",
    "n_paired_proportions",
    "n_to_discover",
    "n_two_means",
    "n_two_nps",
    "n_two_proportions",
    "nps_sd",
    "power_paired_proportions",
    "power_two_means",
    "power_two_nps",
    "power_two_proportions",
]
