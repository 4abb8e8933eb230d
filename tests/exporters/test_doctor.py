"""`pulseguard doctor` beside a real registry, a real Prometheus and real agents."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Stack, running_stack
from tests.exporters.examined_stack import (
    NAME,
    another_agent,
    examine,
    id_of,
    instances,
    listed,
    named,
    retire,
)
from tests.exporters.examining import Verdict, doctor
from tests.prometheus_server import eventually, free_port
from tests.registry.requests import BOUNDS


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Registry, sync and Prometheus with one healthy agent; each test leaves them as they were."""
    with running_stack() as one:
        one.start_agent(PULSEGUARD_INSTANCE="healthy")
        eventually(one.is_up, timeout_seconds=30)
        yield one


def test_a_healthy_chain_holds_link_by_link(stack: Stack) -> None:
    said = json.loads(examine(stack).output)

    assert said["holds"] is True
    assert said["broken"] is None
    names = [link["name"] for link in said["links"]]
    assert names == [
        *("settings", "registry", "key", "address"),
        *("registered", "metrics", "discovered", "scraped", "health"),
    ]


def test_two_processes_with_one_identity_are_named_while_both_report(stack: Stack) -> None:
    def examined() -> Verdict:
        return doctor("--name", NAME, "--instance", "twice", "--json", **named(stack))

    with another_agent(stack, PULSEGUARD_INSTANCE="twice"):
        eventually(lambda: instances(stack).get("twice") == "ONLINE")
        path = f"/api/v1/agents/{id_of(stack, 'twice')}/heartbeat"
        other = {"process": "elsewhere:7:aa"}
        alone = examined()
        eventually(lambda: stack.api(path, other) and '"broken": "health"' in examined().output)
        name, said, mend = examined().broken_link()
    retire(stack, "twice")

    assert '"broken": null' in alone.output
    assert name == "health"
    assert f"{NAME}/twice: two processes with one identity report as it: " in said
    assert "elsewhere:7:aa" in said
    assert "PULSEGUARD_INSTANCE" in mend


def test_without_a_name_all_agents_of_the_environment_are_examined(stack: Stack) -> None:
    verdict = doctor(
        *("--registry-url", stack.registry_url, "--prometheus-url", stack.prometheus.url),
        *("--key-file", str(stack.agent_key_file)),
    )

    assert verdict.status == 0, verdict.output
    assert f"{NAME}/healthy is ONLINE" in verdict.output
    assert "every link holds" in verdict.output


def test_no_registry_is_named(stack: Stack) -> None:
    address = f"http://127.0.0.1:{free_port()}"

    name, said, mend = examine(stack, PULSEGUARD_REGISTRY_URL=address).broken_link()

    assert name == "registry"
    assert address in said
    assert "nothing listens there" in said
    assert "pulseguard registry serve" in mend


def test_something_else_than_a_registry_is_not_taken_for_one(stack: Stack) -> None:
    name, said, _ = examine(stack, PULSEGUARD_REGISTRY_URL=stack.prometheus.url).broken_link()

    assert name == "registry"
    assert "no PulseGuard registry" in said


@pytest.mark.parametrize(
    ("text", "words"), [("pg_agent_" + "0" * 38, "401"), ("pg_agent_\nx", "holds no key")]
)
def test_a_wrong_key_is_named_and_never_shown(
    stack: Stack, tmp_path: Path, text: str, words: str
) -> None:
    key = tmp_path / "wrong.key"
    key.write_text(text)

    verdict = examine(stack, PULSEGUARD_KEY_FILE=str(key))

    name, said, mend = verdict.broken_link()
    assert name == "key"
    assert words in said
    assert mend
    assert text.split()[0] not in verdict.output


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"role": "viewer"}, "a key of role viewer may not do this"),
        ({"role": "agent", "environment": "demo"}, "speaks for environment 'demo'"),
        ({"role": "enrolment", **BOUNDS["enrolment"]}, "may not look at them; of the agent's own"),
    ],
)
def test_a_key_of_another_role_or_environment_is_named(
    stack: Stack, tmp_path: Path, made: dict[str, str], words: str
) -> None:
    key = tmp_path / "other.key"
    key.write_text(stack.api("/api/v1/keys", {"name": "other", **made})["key"])

    name, said, _ = examine(stack, PULSEGUARD_KEY_FILE=str(key)).broken_link()

    assert name == "key"
    assert words in said


def test_an_agent_that_was_enrolled_is_examined_with_its_own_key(
    stack: Stack, tmp_path: Path
) -> None:
    made = {"name": "new", "role": "enrolment", **BOUNDS["enrolment"]}
    enrolling = stack.api("/api/v1/keys", made)
    folder = {"PULSEGUARD_KEY_FOLDER": str(tmp_path)}
    settings = {"PULSEGUARD_KEY": enrolling["key"], "PULSEGUARD_INSTANCE": "enrolled", **folder}

    with another_agent(stack, **settings):
        eventually(lambda: instances(stack).get("enrolled") == "ONLINE")
        eventually(lambda: examine(stack, "enrolled").status == 0)
        healthy = examine(stack, **settings)
        (kept,) = tmp_path.iterdir()
        text = kept.read_text()
        kept.write_text("")
        name, said, mend = examine(stack, **settings).broken_link()
        kept.write_text(text)
        # And with it what it has enrolled.
        stack.api(f"/api/v1/keys/{enrolling['id']}", method="DELETE")
        with_the_key_of_others = examine(stack, "enrolled").broken_link()
        eventually(lambda: '"broken": "key"' in examine(stack, **settings).output)
        revoked = examine(stack, **settings).broken_link()
    retire(stack, "enrolled")

    assert healthy.status == 0, healthy.output
    assert f"{NAME}/enrolled is ONLINE" in healthy.output
    assert (name, str(kept) in said) == ("key", True)
    assert "PULSEGUARD_KEY_FOLDER" in mend
    name, said, mend = revoked
    assert (name, str(kept) in said, said.count("answers 401")) == ("key", True, 2)
    assert "pulseguard keys create" in mend
    name, said, mend = with_the_key_of_others
    assert (name, "enrolled: its own key has ended" in said) == ("health", True)


def test_a_refused_address_is_named_with_the_sentence_that_the_agent_gets(stack: Stack) -> None:
    settings = {"PULSEGUARD_METRICS_ADVERTISE": "10.0.0.7:9464", "PULSEGUARD_INSTANCE": "far"}
    log = stack.folder / "agent.log"

    with another_agent(stack, **settings):
        eventually(lambda: "answers 422" in log.read_text())
        name, said, mend = examine(stack, "far", **settings).broken_link()

    assert name == "address"
    sentence = said.partition("is refused: ")[2]
    assert "10.0.0.7 is not on this machine" in sentence
    assert sentence in log.read_text()
    assert "PULSEGUARD_METRICS_ADVERTISE" in mend
    assert "far" not in instances(stack)


def test_an_agent_that_never_registered_is_named(stack: Stack) -> None:
    settings = {"PULSEGUARD_REGISTRY_URL": stack.registry_url}
    before = instances(stack).keys()
    key = ("--key-file", str(stack.agent_key_file))

    name, said, _ = doctor("--name", "nobody", "--json", *key, **settings).broken_link()

    assert name == "registered"
    assert "nobody" in said
    assert instances(stack).keys() == before


def test_an_agent_that_said_goodbye_is_named_and_one_that_was_killed_as_well(
    stack: Stack,
) -> None:
    with another_agent(stack, PULSEGUARD_INSTANCE="brief") as agent:
        eventually(lambda: instances(stack).get("brief") == "ONLINE")
        agent.kill()
        killed = examine(stack, "brief").broken_link()
    with another_agent(stack, PULSEGUARD_INSTANCE="brief") as agent:
        eventually(lambda: instances(stack).get("brief") == "ONLINE")
        assert agent.end_input() == 0
        stopped = examine(stack, "brief").broken_link()

    assert killed[0] == "metrics"
    assert "connection refused" in killed[1]
    assert stopped[0] == "registered"
    assert "said goodbye" in stopped[1]


def test_an_agent_at_whose_address_another_one_answers_is_named(stack: Stack) -> None:
    (healthy,) = (
        each["metrics_address"] for each in listed(stack) if each["instance"] == "healthy"
    )
    settings = {"PULSEGUARD_INSTANCE": "lost", "PULSEGUARD_METRICS_ADVERTISE": healthy}

    with another_agent(stack, **settings):
        eventually(lambda: instances(stack).get("lost") == "ONLINE")
        name, said, _ = examine(stack, "lost").broken_link()

    assert name == "metrics"
    assert f"{NAME}/lost at {healthy}: another agent answers at this address" in said
    assert examine(stack).status == 0


def test_an_agent_that_sync_does_not_hand_on_is_not_discovered(stack: Stack) -> None:
    stack.sync.process.send_signal(signal.SIGSTOP)
    try:
        with another_agent(stack, PULSEGUARD_INSTANCE="unseen"):
            eventually(lambda: instances(stack).get("unseen") == "ONLINE")
            name, said, mend = examine(stack, "unseen").broken_link()
    finally:
        stack.sync.process.send_signal(signal.SIGCONT)

    assert name == "discovered"
    assert f"{NAME}/unseen" in said
    assert "pulseguard sync" in mend


def test_an_agent_whose_scrape_fails_is_named_with_the_error_of_prometheus(stack: Stack) -> None:
    file = stack.prometheus.folder / "prometheus.yml"
    whole = file.read_text()
    assert "sample_limit: 2500" in whole
    stack.prometheus.configure(whole.replace("sample_limit: 2500", "sample_limit: 1"))
    stack.prometheus.restart()
    try:
        eventually(
            lambda: [each["health"] for each in stack.prometheus.targets("agents")] == ["down"]
        )
        name, said, _ = examine(stack).broken_link()
    finally:
        stack.prometheus.configure(whole)
        stack.prometheus.restart()
        eventually(stack.is_up)

    assert name == "scraped"
    assert "sample limit exceeded" in said


def test_a_prometheus_that_nobody_named_leaves_two_links_unknown(stack: Stack) -> None:
    verdict = doctor(**named(stack))

    assert verdict.status == 1
    assert "not every link is known to hold; not known: discovered, scraped" in verdict.output
    assert "--prometheus-url" in verdict.output


def test_what_make_up_left_is_read_unless_others_could_have_written_it(
    stack: Stack, tmp_path: Path
) -> None:
    file = tmp_path / "pulseguard" / "agent.json"
    file.parent.mkdir()
    left = {
        "registry_url": stack.registry_url,
        "key_file": str(stack.agent_key_file),
        "prometheus_url": stack.prometheus.url,
    }
    file.write_text(json.dumps(left))

    file.chmod(0o600)
    mine = doctor(XDG_STATE_HOME=str(tmp_path))
    same = doctor(XDG_STATE_HOME=str(tmp_path), **named(stack))
    file.chmod(0o640)
    shared = doctor("--json", XDG_STATE_HOME=str(tmp_path))

    assert same.status == 0, "the registry is that of make up, and so is the Prometheus"
    assert same.output.endswith("every link holds\n")
    assert mine.status == 0, mine.output
    assert str(file) in mine.output
    assert shared.broken_link()[0] == "settings"
    assert "make it yours alone" in shared.output
