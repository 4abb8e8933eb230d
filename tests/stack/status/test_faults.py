"""What is shown when a source is away, slow, or something else than it should be."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pulseguard_stack.status.document import document
from pulseguard_stack.status.fleet import Fleet
from pulseguard_stack.status.settings import Endpoints
from pulseguard_stack.status.sources import Sources
from pulseguard_stack.status.view import draw
from tests.prometheus_server import free_port
from tests.stack.status.conftest import run_status
from tests.stack.status.fakes import Fake, agent, alert, fake_server, prometheus_of, registry_of

AGENTS = [agent("invoice-bot"), agent("coder"), agent("researcher", environment="demo")]
ALERTS = [alert("AgentDown", "coder")]


@pytest.fixture
def registry() -> Iterator[Fake]:
    with fake_server(registry_of(AGENTS, ALERTS)) as fake:
        yield fake


@pytest.fixture
def prometheus() -> Iterator[Fake]:
    with fake_server(prometheus_of(AGENTS)) as fake:
        yield fake


def sources(registry: Fake, prometheus: Fake) -> Sources:
    return Sources(Endpoints(registry.url, "pg_viewer_x", prometheus.url))


def shown(fleet: Fleet, width: int = 120) -> str:
    """What the view draws, as plain text."""
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        console.print(draw(fleet, width))
    return capture.get()


def test_the_whole_fleet_costs_the_same_few_queries_whatever_its_size(
    registry: Fake, prometheus: Fake
) -> None:
    sources(registry, prometheus).look()
    few = len(prometheus.requests)
    many = [agent(f"agent-{number}") for number in range(50)]
    registry.respond, prometheus.respond = registry_of(many, []), prometheus_of(many)

    fleet = sources(registry, prometheus).look()

    assert len(fleet.members) == 50
    assert few == len(prometheus.requests) - few <= 12


def test_the_key_goes_to_the_registry_and_to_nobody_else(registry: Fake, prometheus: Fake) -> None:
    sources(registry, prometheus).look()

    assert registry.keys == {"Bearer pg_viewer_x"}
    assert prometheus.keys == {None}


def test_firing_alerts_are_named_with_agent_age_and_summary(
    registry: Fake, prometheus: Fake
) -> None:
    text = shown(sources(registry, prometheus).look())

    assert "1 firing" in text
    (line,) = [line for line in text.splitlines() if "does not answer" in line]
    assert line.startswith("!! AgentDown coder, for ")
    assert line.endswith(": coder does not answer")
    rows = [line for line in text.splitlines() if "ONLINE" in line]
    assert rows[0].startswith("!! coder")


def test_a_registry_that_goes_away_leaves_what_was_known_with_its_age(
    registry: Fake, prometheus: Fake
) -> None:
    view = sources(registry, prometheus)
    before = view.look()
    registry.stop()
    prometheus.respond = prometheus_of([*AGENTS, agent("newcomer")])

    after = view.look()

    *known, newcomer = after.members
    assert [one.status for one in known] == [one.status for one in before.members]
    assert newcomer.is_registered is None
    assert all(one.reading and one.reading.calls_per_second == 2.5 for one in after.members)
    assert "! registry" in shown(after)
    assert re.search(r"nothing listens there; status is of \ds ago", shown(after))
    assert after.heard.alerts is None


def test_a_key_that_is_refused_is_named_with_its_file(registry: Fake, prometheus: Fake) -> None:
    registry.respond = lambda path, query: (401, {"detail": "this key is unknown"})
    asked = Endpoints(registry.url, "pg_viewer_x", prometheus.url, key_file=Path("/my/viewer.key"))

    said = f"registry {registry.url}: it answers 401 to the key file /my/viewer.key: this key is"
    assert said in shown(Sources(asked).look())


def test_without_a_registry_the_agents_that_prometheus_scrapes_are_shown(
    prometheus: Fake,
) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    fleet = Sources(Endpoints(nowhere, None, prometheus.url)).look()

    assert sorted(one.name for one in fleet.members) == ["coder", "invoice-bot", "researcher"]
    assert {one.status for one in fleet.members} == {None}
    assert {one.is_registered for one in fleet.members} == {None}
    assert "status is not known" in shown(fleet)
    assert "unregistered" not in shown(fleet)


def test_without_prometheus_the_status_is_shown_and_no_number_is_invented(registry: Fake) -> None:
    fleet = Sources(Endpoints(registry.url, None, f"http://127.0.0.1:{free_port()}")).look()

    (row,) = [line for line in shown(fleet).splitlines() if "invoice-bot" in line]
    assert "ONLINE" in row
    assert row.split()[3:9] == ["–"] * 6  # noqa: RUF001  # the dash that stands for unknown
    assert "no numbers" in shown(fleet)
    assert {one.scrape for one in fleet.members} == {None}


@pytest.mark.parametrize("manner", ["hang", "trickle"])
def test_a_source_that_never_ends_costs_three_seconds_and_the_other_is_shown(
    registry: Fake, prometheus: Fake, manner: str
) -> None:
    prometheus.manner = manner
    began = time.monotonic()

    fleet = sources(registry, prometheus).look()

    assert time.monotonic() - began < 4
    assert len(fleet.members) == 3
    assert fleet.heard.prometheus.fault == "no answer within 3 s"
    assert fleet.heard.registry.fault is None


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, {"detail": "this key is unknown"}, "it answers 401 to a request without a key"),
        (200, "<html>", "no PulseGuard registry"),
        (200, {"items": [{"id": "x"}]}, "of another version"),
        (503, {"detail": "no database"}, "it answers 503: no database"),
    ],
)
def test_a_registry_that_answers_otherwise_is_said_in_one_line(
    registry: Fake, prometheus: Fake, status: int, body: object, words: str
) -> None:
    registry.respond = lambda path, query: (status, body)

    fleet = sources(registry, prometheus).look()

    assert fleet.heard.registry.fault
    assert words in fleet.heard.registry.fault
    assert len(fleet.members) == 3


def test_a_registry_without_alerts_is_no_registry_without_trouble(prometheus: Fake) -> None:
    with fake_server(registry_of(AGENTS)) as old:
        fleet = sources(old, prometheus).look()

    assert fleet.heard.alerts is None
    assert "alerts are not known: it answers 404" in shown(fleet)


def test_what_does_not_fit_together_is_said_where_anything_does_not(prometheus: Fake) -> None:
    nobody: dict[str, Any] = {"name": None, "instance": None, "processes": []}
    coder = {"agent_id": "id-of-coder", "name": "coder", "instance": "vm-0"}
    two = ["web-1:7:aa", "web-2:8:bb"]
    odd: list[dict[str, Any]] = [
        {"kind": "scraped_not_registered", "agent_id": "0f8c", **nobody},
        {"kind": "of_the_future", **coder, "processes": []},
        {"kind": "two_processes", **coder, "processes": two},
    ]
    with fake_server(registry_of(AGENTS, ALERTS, odd)) as registry:
        fleet = sources(registry, prometheus).look()
        registry.respond = registry_of(AGENTS, ALERTS, odd * 3, {"registered_not_scraped": 4500})
        many = sources(registry, prometheus).look()
        prometheus.respond = prometheus_of(AGENTS, started=datetime.now(UTC).isoformat())
        just_started = sources(registry, prometheus).look()
        registry.respond = registry_of(AGENTS, ALERTS, [])
        agreed = sources(registry, prometheus).look()
        registry.respond = registry_of(AGENTS, ALERTS)
        unknown = sources(registry, prometheus).look()

    text = shown(fleet)
    lines = [line.rstrip() for line in text[text.index("disagreements:") :].splitlines()]
    assert lines == [
        "disagreements: 3",
        "!  coder is two processes of one identity: web-1:7:aa, web-2:8:bb",
        "!  0f8c is scraped, and nobody has registered it",
        "!  coder of the future",
    ]
    text = shown(many)
    lines = [line.rstrip() for line in text[text.index("disagreements:") :].splitlines()]
    assert (lines[0], lines[-1]) == ("disagreements: 4509", "   … and 4504 more")
    assert document(many)["disagreements_total"] == 4509
    # Who knows what a Prometheus cannot know yet is the registry.
    assert document(just_started)["disagreements_total"] == 4509
    assert document(fleet)["disagreements"] == odd
    assert "disagree" not in shown(agreed) + shown(unknown)
    assert (document(agreed)["disagreements"], agreed.heard.disagreements_fault) == ([], None)
    assert document(unknown)["disagreements"] is document(unknown)["disagreements_total"] is None
    assert "404" in str(document(unknown)["disagreements_fault"])


def test_an_agent_that_is_scraped_and_not_registered_is_shown_as_such(
    registry: Fake, prometheus: Fake
) -> None:
    stranger = agent("stranger")
    prometheus.respond = prometheus_of([*AGENTS, stranger])

    text = shown(sources(registry, prometheus).look(), 200)

    (row,) = [line for line in text.splitlines() if "stranger" in line]
    assert row.startswith("!  stranger")
    assert "scraped, not registered" in row


def test_a_simulated_fleet_says_so(registry: Fake, prometheus: Fake) -> None:
    assert "(simulated fleet)" in shown(sources(registry, prometheus).look())

    registry.respond = registry_of(AGENTS[:1], [])
    prometheus.respond = prometheus_of(AGENTS[:1])
    assert "simulated" not in shown(sources(registry, prometheus).look())


def test_neither_source_is_status_1_and_one_line_with_the_mend(tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"

    done = run_status("--registry-url", nowhere, "--prometheus-url", nowhere)
    bare = run_status(PULSEGUARD_DATA_DIR=str(tmp_path))

    assert (done.returncode, bare.returncode) == (1, 1)
    for line in (done.stderr, bare.stderr):
        assert len(line.splitlines()) == 1
        assert "make up" in line
    assert f"no stack of {tmp_path} runs" in bare.stderr
    assert nowhere in done.stderr
    assert done.stdout == ""


def test_neither_source_is_still_a_document_for_programs() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"

    done = run_status("--json", "--registry-url", nowhere, "--prometheus-url", nowhere)

    document = json.loads(done.stdout)
    assert done.returncode == 1
    assert document["agents"] == []
    assert document["sources"]["registry"]["answers"] is False


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--registry-url", "localhost:8000"), "--registry-url: 'localhost:8000' is no address"),
        (("--registry-url", "http://localhost:1", "--key-file", "/nowhere"), "/nowhere"),
        (("--watch", "--json"), "not allowed with"),
    ],
)
def test_a_setting_that_cannot_be_used_is_status_2(arguments: tuple[str, ...], words: str) -> None:
    done = run_status(*arguments)

    assert done.returncode == 2
    assert words in done.stderr


def test_the_key_of_the_running_stack_is_not_sent_to_another_registry(
    registry: Fake, tmp_path: Path
) -> None:
    key = tmp_path / "viewer.key"
    key.write_text("pg_viewer_of_the_stack")
    (tmp_path / "stack").mkdir()
    run = {"registry_url": "http://127.0.0.1:1", "viewer_key_file": str(key)}
    (tmp_path / "stack" / "run.json").write_text(json.dumps(run))

    run_status("--registry-url", registry.url, PULSEGUARD_DATA_DIR=str(tmp_path))

    assert registry.keys == {None}
