"""Makes tea_tasting_users.json: a simulated experiment as counts of users, and what tea-tasting says of it.

python tests/reference/tea_tasting_users.py (from the project's root, with tea-tasting==1.14.0 in an environment of its
own)
"""

import json
from collections import Counter
from pathlib import Path

FIGURES = (
    "control", "treatment", "effect_size", "effect_size_ci_lower", "effect_size_ci_upper", "rel_effect_size",
    "rel_effect_size_ci_lower", "rel_effect_size_ci_upper", "pvalue", "statistic",
)  # fmt: skip


def main() -> None:
    """Write the reference beside this script."""
    import tea_tasting as tt

    data = tt.make_users_data(rng=42)
    metrics = {
        "orders per session": tt.RatioOfMeans("orders", "sessions"),
        "orders per user": tt.Mean("orders"),
        "users who order": tt.Mean("ordered"),
    }
    rows = [{**row, "ordered": int(row["orders"] > 0)} for row in data.to_pylist()]
    found = tt.Experiment(metrics).analyze(data.from_pylist(rows))
    users = Counter((row["variant"], row["sessions"], row["orders"]) for row in rows)
    reference = {
        "script": "tea_tasting_users.py",
        "package": f"tea-tasting {tt.__version__}",
        "columns": ["variant", "sessions", "orders", "n"],
        "users": [[*key, n] for key, n in sorted(users.items())],
        "results": {name: {figure: getattr(found[name], figure) for figure in FIGURES} for name in metrics},
    }
    text = json.dumps(reference).replace("], [", "],\n  [").replace('"users": [', '"users": [\n  ')
    text = text.replace(', "results"', ',\n "results"').replace('}, "', '},\n  "')
    Path(__file__).with_suffix(".json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
