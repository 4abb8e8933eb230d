"""What is drawn on terminals of different widths."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pulseguard_grafana.panels import Panel, Query, line
from pulseguard_grafana.panels.colours import GOOD
from pulseguard_grafana.panels.tables import Column, table
from pulseguard_grafana.preview.drawing import draw
from pulseguard_grafana.preview.evaluation import evaluate
from pulseguard_grafana.preview.prometheus import Prometheus
from tests.grafana.preview.conftest import SCRAPE_SECONDS
from tests.grafana.preview.pages import dashboard_of
from tests.prometheus_server import PrometheusServer

TOKENS = "pulseguard:agent_tokens_processed:rate5m"
LEGEND = "{{agent}} of {{environment}} and of no other"
LONGEST = "support.chat of production and of no other"
Drawn = Callable[..., list[str]]


@pytest.fixture
def drawn(
    prometheus: PrometheusServer,
    now: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Drawn:
    """The lines of these panels on a terminal of so many columns."""

    def drawn(*panels: Panel, columns: int) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(columns))
        evaluated = evaluate(
            dashboard_of(*panels),
            Prometheus(prometheus.url),
            wanted={},
            since="1h",
            now=now,
            scrape_seconds=SCRAPE_SECONDS,
        )
        capsys.readouterr()
        draw(evaluated, 10)
        return capsys.readouterr().out.splitlines()

    return drawn


def graph(legend: str) -> Panel:
    return line("Trial", "", Query(TOKENS, legend), unit="short", no_data="None", many=True)


@pytest.mark.parametrize("columns", [90, 120, 160])
def test_a_legend_is_whole_where_half_of_the_width_is_enough_for_it(drawn: Drawn, columns: int):
    lines = drawn(graph(LEGEND), columns=columns)

    assert [each for each in lines if each.startswith(f"  {LONGEST}  ")]
    assert max(map(len, lines)) <= columns


def test_a_longer_legend_has_half_of_the_width_and_the_sparkline_the_rest(drawn: Drawn):
    lines = drawn(graph(f"{LEGEND}, whatever it is called"), columns=80)

    place = next(at for at, each in enumerate(lines) if "support.chat of" in each)
    first, second = lines[place : place + 2]
    name, _, course = first.partition("█")
    assert name.rstrip() == "  support.chat of production and of no"
    assert second == "  other, whatever it is called"
    assert course.count("█") + 1 >= 10
    assert max(map(len, lines)) == 80, "up to the end of the longest"


def test_no_line_ends_in_blanks(drawn: Drawn):
    lines = drawn(graph("{{agent}}"), columns=120)

    assert [each for each in lines if each != each.rstrip()] == []


def test_a_short_legend_leaves_the_sparkline_its_room(drawn: Drawn):
    lines = drawn(graph("{{team}}"), columns=80)

    assert max(each.count("█") for each in lines) == 40


def test_a_column_that_only_leads_elsewhere_is_left_out_and_one_that_tells_is_not(drawn: Drawn):
    link = {"title": "Metrics", "url": "/d/x"}
    columns = [
        Column("Agent", label="agent", links=[link]),
        Column("Page", query=f"0 * {TOKENS}", texts={0.0: ("Metrics", GOOD)}, links=[link]),
        Column("Tokens", query=TOKENS, links=[link]),
        Column("Is", query=f"1 + 0 * {TOKENS}", texts={1.0: ("Told", GOOD)}),
    ]

    lines = drawn(table("Trial", "", columns, no_data="None", sorted_by="Agent"), columns=80)

    heading = next(each for each in lines if "Agent " in each)
    assert heading.split() == ["Agent", "Tokens", "Is"]
