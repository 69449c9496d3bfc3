"""Make the shipped simulated study: 2,000 customers and four waves of the world harbor.

python data/make_harbor.py [folder to write into]
"""

import sys
from pathlib import Path

from cxuxlib import worlds

SEED = 20_261_122


def main(target: Path) -> None:
    """Write the study, its dictionary with the truth, and its checksums into a folder."""
    worlds.write_study(worlds.make("harbor", n=2000, waves=4, rng=SEED), target)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "harbor")
