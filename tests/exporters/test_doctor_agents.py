"""`pulseguard doctor` and several agents: each is looked at on its own; a /metrics with a token."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pulseguard import Agent
from tests.exporters.conftest import MakeAgent
from tests.exporters.examining import Verdict, doctor
from tests.exporters.fake_neighbours import Neighbours, neighbours
from tests.prometheus_server import free_port

REFUSED = "server returned HTTP status 401 Unauthorized"


@pytest.fixture
def beside() -> Iterator[Neighbours]:
    with neighbours() as them:
        yield them


def examine(beside: Neighbours, **environment: str) -> dict[str, tuple[str, str, str]]:
    """State, finding and mend of each link."""
    return links(verdict(beside, "--json", **environment))


def verdict(beside: Neighbours, *flags: str, **environment: str) -> Verdict:
    known = {"PULSEGUARD_REGISTRY_URL": beside.url, "PULSEGUARD_KEY": "pg_agent_1"}
    return doctor("--prometheus-url", beside.url, *flags, **{**known, **environment})


def links(said: Verdict) -> dict[str, tuple[str, str, str]]:
    document: dict[str, Any] = json.loads(said.output)
    return {
        link["name"]: (link["state"], link["said"], link["mend"] or "")
        for link in document["links"]
    }


def start(make_agent: MakeAgent, beside: Neighbours, instance: str, **arguments: Any) -> str:
    """An agent that the registry knows; its id."""
    agent: Agent = make_agent(instance=instance, **arguments)
    agent.start()
    return beside.know(instance, agent.metrics_address)


def test_a_dead_agent_keeps_no_other_from_being_looked_at(
    make_agent: MakeAgent, beside: Neighbours
) -> None:
    beside.know("dead", f"127.0.0.1:{free_port()}")
    beside.scrape(start(make_agent, beside, "alive"))
    beside.scrape(start(make_agent, beside, "failing"), "sample limit exceeded")
    start(make_agent, beside, "unseen")

    found = examine(beside)

    state, said, mend = found["metrics"]
    assert state == "broken"
    assert "invoice-bot/dead at 127.0.0.1:" in said
    assert "connection refused" in said
    assert "3 others answer" in said
    assert "start it again" in mend
    assert found["discovered"][0] == "broken"
    assert "no target for invoice-bot/unseen;" in found["discovered"][1]
    assert "dead" not in found["discovered"][1]
    assert found["scraped"][0] == "broken"
    assert "invoice-bot/failing: sample limit exceeded" in found["scraped"][1]
    assert "unseen" not in found["scraped"][1]


def test_the_verdict_names_every_link_that_is_broken(
    make_agent: MakeAgent, beside: Neighbours
) -> None:
    beside.know("dead", f"127.0.0.1:{free_port()}")
    beside.scrape(start(make_agent, beside, "failing"), "sample limit exceeded")

    said = verdict(beside)

    assert said.status == 1
    assert said.output.endswith("\nthe broken links: metrics, scraped\n")


def test_a_refused_address_and_none_keep_no_other_from_being_looked_at(
    make_agent: MakeAgent, beside: Neighbours
) -> None:
    beside.refused.add("8.8.8.8:9464")
    beside.know("far", "8.8.8.8:9464")
    beside.know("closed", None)
    beside.scrape(start(make_agent, beside, "alive"))

    found = examine(beside)

    assert found["address"][0] == "broken"
    assert "8.8.8.8:9464 is refused" in found["address"][1]
    assert found["registered"][0] == "holds"
    assert found["metrics"][0] == "broken"
    assert "invoice-bot/closed registered without an address" in found["metrics"][1]
    assert "far" not in found["metrics"][1]
    assert [found[name][0] for name in ("discovered", "scraped")] == ["holds", "holds"]


def test_where_no_agent_is_left_nothing_more_is_checked(beside: Neighbours) -> None:
    beside.know("dead", f"127.0.0.1:{free_port()}")
    beside.know("dead too", f"127.0.0.1:{free_port()}")

    found = examine(beside)

    states = [found[name][0] for name in ("metrics", "discovered", "scraped")]
    assert states == ["broken", "not checked", "not checked"]


def test_what_the_registry_says_against_an_agent_is_told_with_the_mend(
    make_agent: MakeAgent, beside: Neighbours
) -> None:
    against: dict[str, dict[str, Any]] = {
        "twice": {"disagreements": ["two_processes"], "processes": ["web-1:7:a", "web-2:8:b"]},
        "shut-out": {"to_be_enrolled": True},
        "mute": {
            "status_reason": "silent",
            "parts": {"freshness": {"sentence": "The last heartbeat came 70 s ago."}},
            "disagreements": ["scraped_but_silent"],
        },
        "ill": {"status_reason": "failed"},
        "odd": {"disagreements": ["told_by_a_newer_one"]},
    }
    for instance, told in {**against, "well": {}}.items():
        agent_id = start(make_agent, beside, instance)
        beside.scrape(agent_id)
        beside.health[agent_id] = told

    state, said, mend = examine(beside)["health"]

    assert state == "broken"
    assert set(said.removeprefix("invoice-bot/").split("; invoice-bot/")) == {
        "twice: two processes with one identity report as it: web-1:7:a, web-2:8:b",
        "shut-out: its own key has ended, and the registry refuses it",
        "mute: The last heartbeat came 70 s ago",
        "ill: it says of itself that it is failed",
        "odd: told by a newer one",
    }
    assert "invoice-bot/twice: give each an instance of its own (PULSEGUARD_INSTANCE)" in mend
    assert "invoice-bot/shut-out: left running, it is enrolled again once it has been" in mend
    assert "`pulseguard keys create 'production agents' --role enrolment" in mend
    assert "invoice-bot/mute: its log (logger `pulseguard`)" in mend


def test_an_agent_whose_first_heartbeat_may_come_yet_is_not_called_ill(
    make_agent: MakeAgent, beside: Neighbours
) -> None:
    agent_id = start(make_agent, beside, "new")
    beside.scrape(agent_id)
    beside.health[agent_id] = {"status_reason": "never_heard"}

    state, said, mend = examine(beside)["health"]

    assert (state, said) == ("unknown", "invoice-bot/new: it sends no heartbeats")
    assert "try again in ten seconds" in mend


def test_https_to_a_registry_that_speaks_http_is_told_the_other_scheme(beside: Neighbours) -> None:
    found = examine(beside, PULSEGUARD_REGISTRY_URL=beside.url.replace("http://", "https://"))

    assert found["registry"][0] == "broken"
    assert "it speaks no TLS: begin its URL with http://" in found["registry"][1]


@pytest.mark.parametrize("kind", ["missing", "a folder", "binary"])
def test_a_key_file_that_cannot_be_used_is_named_with_its_variable(
    beside: Neighbours, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "a folder").mkdir()
    (tmp_path / "binary").write_bytes(bytes(range(256)))

    said = doctor(
        "--json",
        PULSEGUARD_REGISTRY_URL=beside.url,
        PULSEGUARD_KEY_FILE=str(tmp_path / kind),
    )

    state, finding, _ = links(said)["key"]
    assert state == "broken"
    assert finding.startswith(f"PULSEGUARD_KEY_FILE='{tmp_path / kind}' cannot be used: ")


@pytest.mark.parametrize("in_file", [False, True])
def test_the_token_of_the_settings_is_sent(
    make_agent: MakeAgent, beside: Neighbours, tmp_path: Path, in_file: bool
) -> None:
    beside.scrape(start(make_agent, beside, "closed", metrics_token="open sesame"))
    file = tmp_path / "token"
    file.write_text("open sesame\n")
    token = {"TOKEN_FILE": str(file)} if in_file else {"TOKEN": "open sesame"}

    said = verdict(beside, **{f"PULSEGUARD_METRICS_{name}": value for name, value in token.items()})

    assert said.status == 0, said.output
    assert "sesame" not in said.output


def test_without_the_token_its_variable_is_named_and_prometheus_asked_on(
    make_agent: MakeAgent, beside: Neighbours
) -> None:
    beside.scrape(start(make_agent, beside, "closed", metrics_token="open sesame"), REFUSED)

    found = examine(beside)

    state, said, mend = found["metrics"]
    assert state == "unknown"
    assert "answers 401: it wants its token" in said
    assert "PULSEGUARD_METRICS_TOKEN" in mend
    assert "start it again" not in mend
    state, _, mend = found["scraped"]
    assert state == "broken"
    assert "credentials_file" in mend
    assert "make up" in mend


def test_a_port_that_looks_like_a_status_wants_no_token(
    make_agent: MakeAgent, beside: Neighbours
) -> None:
    said = "dial tcp 127.0.0.1:40123: connect: connection refused"
    beside.scrape(start(make_agent, beside, "open"), said)

    state, _, mend = examine(beside)["scraped"]

    assert state == "broken"
    assert "credentials_file" not in mend


def test_where_prometheus_is_not_known_the_agents_mend_tells_how_it_sends_the_token(
    make_agent: MakeAgent, beside: Neighbours
) -> None:
    start(make_agent, beside, "closed", metrics_token="open sesame")
    known = {"PULSEGUARD_REGISTRY_URL": beside.url, "PULSEGUARD_KEY": "pg_agent_1"}

    _, _, mend = links(doctor("--json", **known))["metrics"]

    assert "credentials_file" in mend
    assert "make up" in mend


def test_each_mend_names_whose_it_is_where_there_are_several(
    make_agent: MakeAgent, beside: Neighbours
) -> None:
    beside.know("dead", f"127.0.0.1:{free_port()}")
    beside.know("far", f"127.0.0.1:{free_port()}", host="elsewhere")
    start(make_agent, beside, "closed", metrics_token="open sesame")

    _, _, mend = examine(beside)["metrics"]

    assert mend.startswith("invoice-bot/dead: is the agent still running?")
    assert "; invoice-bot/far: it is on another host" in mend
    assert "; invoice-bot/closed: set PULSEGUARD_METRICS_TOKEN" in mend


def test_another_token_than_the_agents_is_named(make_agent: MakeAgent, beside: Neighbours) -> None:
    beside.scrape(start(make_agent, beside, "closed", metrics_token="open sesame"))

    found = examine(beside, PULSEGUARD_METRICS_TOKEN="open barley")

    state, said, mend = found["metrics"]
    assert state == "unknown"
    assert "PULSEGUARD_METRICS_TOKEN is not its token" in said
    assert "PULSEGUARD_METRICS_TOKEN" in mend
    assert "barley" not in said + mend


def test_a_token_file_that_is_not_there_is_named(make_agent: MakeAgent, beside: Neighbours) -> None:
    beside.scrape(start(make_agent, beside, "closed", metrics_token="open sesame"))

    found = examine(beside, PULSEGUARD_METRICS_TOKEN_FILE="/nowhere/token")

    assert "PULSEGUARD_METRICS_TOKEN_FILE='/nowhere/token'" in found["metrics"][1]
