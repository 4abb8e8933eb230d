"""Panels show what the model server of the simulation has really served."""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pytest
from genai_prices import Usage, calc_price

from pulseguard_grafana.preview.evaluation import EvaluatedDashboard
from pulseguard_grafana.preview.fields import field_of
from pulseguard_stack.model_server.ledger import Entry, summarize
from tests.end_to_end import numbers
from tests.end_to_end.conftest import Stack, running_stack
from tests.end_to_end.pages import Answered, answers, page, panel
from tests.grafana.dashboards import PANELS, Shown
from tests.grafana.questions import questions
from tests.prometheus_server import eventually

LONG = bool(os.environ.get("PULSEGUARD_TEST_LONG"))
CALLS = 500 if LONG else 200
# rate() and increase() extrapolate by about two scrapes to the ends of their window: so much of the
# time that there was to look at, where scrapes come late on a busy machine.
TOLERANCE = 0.1
SECONDS_TO_LOOK_AT = 75
# What a mean over 5 minutes and a second is multiplied by to be what there was in them.
WINDOW_SECONDS = 300
# Grafana is told this, so that a rate is of 20 scrapes: of 4, when they come is seen in the area.
STEP_SECONDS = 5
LATENCY_TOLERANCE_MS = 5
PAGES = ("agent", "models", "fleet", "cost")
# Nothing in this stack says that it is a simulation, and no exporter fails.
OF_OTHER_STACKS = {
    *((page, "Simulated", "__auto") for page in ("agent", "models", "fleet", "cost")),
    ("agent", "Exporter's failures", "{{operation}}"),
}


@dataclass(frozen=True)
class Served:
    """What was served while Prometheus looked, and the pages that show it."""

    entries: Sequence[Entry]
    preparing_ms: float
    pages: Mapping[str, EvaluatedDashboard]
    stack: Stack

    def number(self, name: str, title: str) -> float:
        """Of a panel of one number."""
        (value,) = panel(self.pages[name], title).document()["values"]
        return float(value["value"])

    def column(self, name: str, title: str, key: str, column: str) -> dict[str, float]:
        """Of a table, the numbers of a column by the texts of another."""
        rows = panel(self.pages[name], title).document()["rows"]
        return {row[key]: row[column] for row in rows if column in row}

    def last(self, name: str, title: str) -> dict[str, float]:
        """Of a graph, the last value of each series that has more than 0."""
        series = panel(self.pages[name], title).document()["series"]
        return {each["name"]: each["last"] for each in series if each["last"]}

    def area(self, name: str, title: str, of: str = "") -> dict[str, float]:
        """Of a graph of rates, what there was in the whole time that it shows; of the series whose
        names begin so."""
        found = {}
        for each in panel(self.pages[name], title).document()["series"]:
            points = [(at, value) for at, value in each["points"] if value != "NaN"]
            found[each["name"]] = sum(value for _, value in points) * STEP_SECONDS
        return {each: amount for each, amount in found.items() if amount and each.startswith(of)}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """After calls that were counted, and a minute with another agent that has every trouble."""
    with running_stack(
        is_telling=True, agent_comes_first=True, calls_before=60, past_costs=True
    ) as stack:
        began = time.monotonic()
        before = len(stack.ledger())
        eventually(stack.is_up)
        preparing_ms = stack.make_calls(CALLS, seed=1)
        entries = stack.ledger()[before:]
        make_trouble(stack)
        wait_until_scraped(stack)
        time.sleep(max(began + SECONDS_TO_LOOK_AT - time.monotonic(), 0))
        pages = {name: shown(stack, name, team="quality") for name in PAGES}
        yield Served(entries, preparing_ms, pages, stack)


def make_trouble(stack: Stack) -> None:
    """One agent falls silent, one lets nobody read it, one works badly, and the registry goes."""
    idle = "tests.end_to_end.idle_agent"
    lost = stack.start_module(idle, "lost")
    lost.line()
    stack.start_module(idle, "unread", PULSEGUARD_METRICS_TOKEN="a" * 32).line()
    stack.start_module("tests.end_to_end.troubled_agent", PULSEGUARD_SERIES_LIMIT="500").line()
    eventually(lambda: len(stack.prometheus.query('up{job="agents"} == 1')) == 3)
    lost.kill()
    stack.stop_registry()
    stack.start_registry()


def shown(stack: Stack, name: str, **wanted: str) -> EvaluatedDashboard:
    return page(
        stack.prometheus.url,
        name,
        scrape_seconds=STEP_SECONDS,
        wanted={variable: [value] for variable, value in wanted.items()},
    )


def queries(stack: Stack, name: str, **wanted: str) -> list[Answered]:
    return list(
        answers(
            stack.prometheus.url,
            name,
            scrape_seconds=STEP_SECONDS,
            wanted={variable: [value] for variable, value in wanted.items()},
        )
    )


def wait_until_scraped(stack: Stack) -> None:
    """Until Prometheus has all numbers of the calls."""
    calls = len({entry.call for entry in stack.ledger()})
    counted = f'sum({numbers.CALLS}_count{{agent="agent-under-test"}}) == {calls}'
    eventually(lambda: stack.prometheus.query(counted))


def missed(empty: Iterable[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """Of the queries and columns without a value, by page and panel: those that have one here."""
    return set(empty) - OF_OTHER_STACKS


def is_hidden(table: Shown, column: str) -> bool:
    return bool(field_of(table.panel, column).custom.get("hidden"))


def near(expected: object) -> object:
    return pytest.approx(expected, rel=TOLERANCE)


def about(counts: object) -> object:
    """Of whole numbers: of a few, a rate sees those at the edges of its windows in part."""
    return pytest.approx(counts, rel=TOLERANCE, abs=2)


def spent(entries: Sequence[Entry]) -> float:
    """USD at list prices, by the price table itself."""
    return sum(
        float(
            calc_price(
                Usage(
                    input_tokens=model.tokens.input + model.tokens.cache_read,
                    cache_read_tokens=model.tokens.cache_read,
                    output_tokens=model.tokens.output + model.tokens.reasoning,
                ),
                name,
                provider_id="openai",
            ).total_price
        )
        for name, model in summarize(entries).items()
        if name != "no-such-model"
    )


def test_twelve_panels_are_equal_to_the_ledger(served: Served) -> None:
    told = numbers.of_ledger(served.entries)
    models = summarize(served.entries)
    calls = {name: model.calls for name, model in models.items()}
    tokens = {kind: float(amount) for kind, amount in told.tokens.items()}
    of_models = {name: sum(vars(model.tokens).values()) for name, model in models.items()}
    cost = spent(served.entries)

    # Latency, and the sums of the eight fields. One call was to another service.
    mean_ms = told.mean_ms + served.preparing_ms
    assert abs(served.number("agent", "Inference time") - mean_ms) < LATENCY_TOLERANCE_MS
    assert served.number("agent", "Tokens processed") * WINDOW_SECONDS == near(sum(tokens.values()))
    assert served.number("agent", "API calls") * WINDOW_SECONDS == near(told.calls + 1)
    # Rates over time, whose areas are what there was.
    assert served.area("agent", "Model calls") == about(calls)
    assert served.area("agent", "Tokens by kind") == near(tokens)
    tools = sum(model.tool_calls for model in models.values())
    assert served.area("agent", "Tool calls") == about({"search": tools})
    errors = served.area("agent", "Errors by type", of="chat: ")
    assert errors == about({f"chat: {kind}": amount for kind, amount in told.errors.items()})
    # By model, as the whole fleet has them.
    assert served.number("models", "Calls/s") * WINDOW_SECONDS == near(told.calls)
    failed = sum(told.errors.values()) / told.calls
    assert served.number("models", "Failed calls") == near(failed)
    shown = served.column("models", "Models", "Model", "Tokens/s")
    assert {name: value * WINDOW_SECONDS for name, value in shown.items()} == near(of_models)
    kinds = served.last("models", "Tokens/s by kind")
    assert {kind: value * WINDOW_SECONDS for kind, value in kinds.items()} == near(tokens)
    # Money, on each page that has it.
    for name in ("agent", "fleet", "cost"):
        assert served.number(name, "Spend today") == near(cost)
    assert served.number("fleet", "Tokens/s") * WINDOW_SECONDS == near(sum(tokens.values()))


@pytest.mark.parametrize("name", PAGES)
def test_every_query_has_a_value_and_every_variable_a_choice(served: Served, name: str) -> None:
    wanted = {"budget": "10"} if name == "cost" else {}
    whole = shown(served.stack, name, **wanted)

    assert [f"{each.title}: {each.error}" for each in whole.panels if each.error] == []
    assert '"NaN"' not in json.dumps(whole.document())
    assert [variable for variable, chosen in whole.variables.items() if not chosen.values] == []
    heatmaps = [each for each in whole.panels if each.type == "heatmap"]
    assert [each.title for each in heatmaps if not each.has_data] == [], "nothing but zeros"
    asked = queries(served.stack, name, **wanted)
    assert missed((name, each.title, each.name) for each in asked if not each.has_number) == set()


@pytest.mark.parametrize("name", PAGES)
def test_every_column_of_a_table_has_a_value(served: Served, name: str) -> None:
    evaluated = shown(served.stack, name)
    tables = [each for each in PANELS if each.page.name == name and each.panel["type"] == "table"]

    assert tables
    empty = []
    for table in tables:
        title = table.panel["title"]
        rows = panel(evaluated, title).document()["rows"]
        filled = {column for row in rows for column, value in row.items() if value != ""}
        there = {column for column in table.columns.values() if not is_hidden(table, column)}
        empty += [(name, title, column) for column in there - filled]
    assert missed(empty) == set()


def test_latency_has_a_dot_for_each_trace(served: Served) -> None:
    (p95,) = [
        each
        for each in queries(served.stack, "agent")
        if (each.title, each.name) == ("Latency", "p95")
    ]

    found = served.stack.prometheus.exemplars(p95.promql)

    assert p95.has_exemplars
    assert found
    assert all(re.fullmatch("[0-9a-f]{32}", each["labels"]["trace_id"]) for each in found)


@pytest.mark.parametrize("question", questions())
def test_each_question_of_the_document_is_answered(served: Served, question: str) -> None:
    # Whom to look for need not be there; those among whom he is looked for are.
    asked = re.sub(r" (== 0|> 60)$", "", question)

    found = eventually(lambda: served.stack.prometheus.query(asked))

    assert not any(math.isnan(each.value) for each in found)
