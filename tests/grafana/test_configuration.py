"""What the package ships of dashboards."""

from __future__ import annotations

from pathlib import Path

from pulseguard_grafana.configuration import shipped_dashboards

DASHBOARDS = Path(__file__).parents[2] / "grafana" / "dashboards"


def test_the_shipped_dashboards_are_those_that_lie_in_the_repository():
    assert shipped_dashboards() == {
        file.stem: file.read_text(encoding="utf-8") for file in DASHBOARDS.glob("*.json")
    }
