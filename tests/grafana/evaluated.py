"""What an expression of a page gives for series that are known, by promtool."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from pulseguard_stack.programs import find_program

FILLED = {"$__range": "1h", "$simulation": "demo"}


def objections(
    folder: Path,
    expression: str,
    expected: Mapping[str, float],
    series: Mapping[str, str],
    *,
    at: str,
    interval: str = "1m",
) -> str:
    """What promtool says against the expression having these values, by labels, at this time of
    these series; nothing where it has them. A choice of values is of all."""
    for name, value in FILLED.items():
        expression = expression.replace(name, value)
    case = {
        "interval": interval,
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": re.sub(r"\$\w+", ".*", expression),
                "eval_time": at,
                "exp_samples": [
                    {"labels": labels, "value": value} for labels, value in expected.items()
                ],
            }
        ],
    }
    file = folder / "case.yml"
    # YAML reads JSON.
    file.write_text(json.dumps({"rule_files": [], "tests": [case]}), encoding="utf-8")
    tested = subprocess.run(
        [find_program("promtool"), "test", "rules", file],
        capture_output=True,
        text=True,
        check=False,
    )
    return tested.stdout + tested.stderr if tested.returncode else ""
