"""Inventory, heartbeats and scrapes of a fleet: where they disagree, and until when."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
import yaml

from pulseguard_registry.agents.identity import agent_id
from pulseguard_registry.scrapes.schemas import KINDS
from pulseguard_stack.status.command import main
from tests.end_to_end.conftest import Stack, running_stack
from tests.end_to_end.processes import Started
from tests.prometheus_server import eventually, free_port

REGISTERED = ("dropped", "retired", "shut", "silent", "sound", "twin")
# Of one that never reached the registry, and knows all the same which id it would have.
STRANGER = str(agent_id("production", "stranger", "0"))
COUNTS = "pulseguard_registry_disagreements"
Found = set[tuple[str, str]]


class Fleet:
    """Agents that are named for what is wrong with them, or will be: with `sound` nothing is."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._sound_configuration = stack.prometheus.configuration_file.read_text(encoding="utf-8")
        self._viewer_key, _ = self._new_key("viewer")
        self._silent_key, self._silent_key_id = self._new_key("agent", environment="production")
        # Else it would come back by itself, as whoever has a key of a whole environment does.
        ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        bound = {"environment": "production", "expires_at": ends}
        enrolment_key, _ = self._new_key("enrolment", **bound)
        elsewhere = stack.folder / "elsewhere"
        elsewhere.mkdir()
        nowhere = f"127.0.0.1:{free_port()}"
        self._running = {
            "dropped": self._start("dropped"),
            "retired": self._start("retired", PULSEGUARD_KEY_FILE=str(enrolment_key)),
            "shut": self._start("shut", PULSEGUARD_METRICS_ADVERTISE=nowhere),
            "silent": self._start("silent", PULSEGUARD_KEY_FILE=str(self._silent_key)),
            "sound": self._start("sound"),
            "stranger": self._start("stranger", PULSEGUARD_REGISTRY_URL=f"http://{nowhere}"),
            "twin": self._start("twin"),
            "second twin": self._start("twin", TMPDIR=str(elsewhere)),
        }
        self._addresses = {name: agent.line() for name, agent in self._running.items()}
        self.ids = eventually(self._ids_once_all_beat) | {"stranger": STRANGER}

    def go_wrong(self) -> None:
        """Let happen what was not wrong from the start."""
        document = yaml.safe_load(self._sound_configuration)
        (job,) = [each for each in document["scrape_configs"] if each["job_name"] == "agents"]
        job["relabel_configs"].append(
            {"source_labels": ["agent"], "regex": "dropped", "action": "drop"}
        )
        job["static_configs"] = [
            {"targets": [self._addresses[name]], "labels": {"agent_id": self.ids[name]}}
            for name in ("stranger", "retired")
        ]
        self._configure(yaml.safe_dump(document))
        self.stack.api(f"/api/v1/agents/{self.ids['retired']}", method="DELETE")
        self.stack.api(f"/api/v1/keys/{self._silent_key_id}", method="DELETE")

    def mend(self) -> None:
        """Do what the runbooks say."""
        self._configure(self._sound_configuration)
        self.stack.api(f"/api/v1/agents/{self.ids['retired']}/restore", {})
        self._silent_key.write_bytes(self.stack.agent_key_file.read_bytes())
        self._running[self._twin_of_no_address()].kill()
        self._running["shut"].kill()
        self._running["shut"] = self._start("shut")

    def end(self) -> None:
        """Leave no process behind, at once: a goodbye would wait for a last scrape."""
        for agent in self._running.values():
            agent.kill()

    def listed(self) -> Found:
        """Kind and name of each, as the registry's API tells them."""
        return self._found(self.stack.api("/api/v1/system/disagreements")["items"])

    def of_each(self) -> Found:
        """The same, as the health of each agent tells it."""
        health = {
            name: self.stack.api(f"/api/v1/agents/{self.ids[name]}/health") for name in REGISTERED
        }
        return {(kind, name) for name in REGISTERED for kind in health[name]["disagreements"]}

    def counted(self) -> dict[str, float]:
        """How many there are of each kind that is known, as Prometheus has scraped them from the
        registry."""
        found = self.stack.prometheus.query(COUNTS)
        return {sample.labels["kind"]: sample.value for sample in found}

    def shown(self) -> tuple[Found, int]:
        """The same and how many they are, as `pulseguard status --json` has it.

        Asked again and again, so without the half second of work that a process begins with.
        """
        sources = ("--registry-url", self.stack.registry_url, "--key-file", str(self._viewer_key))
        with redirect_stdout(StringIO()) as said:
            main(["--json", *sources, "--prometheus-url", self.stack.prometheus.url])
        document = json.loads(said.getvalue())
        return self._found(document["disagreements"] or ()), document["disagreements_total"]

    def up(self) -> set[str | None]:
        """Who answers Prometheus, by the name on its target; nobody where any target fails."""
        targets = self.stack.prometheus.targets("agents")
        is_whole = all(target["health"] == "up" for target in targets)
        return {target["labels"].get("agent") for target in targets} if is_whole else set()

    def _found(self, items: Iterable[dict[str, str]]) -> Found:
        names = {known: name for name, known in self.ids.items()}
        return {(item["kind"], names[item["agent_id"]]) for item in items}

    def _start(self, name: str, **environment: str) -> Started:
        module = "tests.end_to_end.idle_agent"
        settings = {
            "PULSEGUARD_INSTANCE": "0",
            "PULSEGUARD_KEY_FOLDER": str(self.stack.folder / "keys"),
        }
        return self.stack.start_module(module, name, **settings | environment)

    def _ids_once_all_beat(self) -> dict[str, str]:
        agents = self.stack.api("/api/v1/agents", status="ONLINE")["items"]
        ids = {agent["name"]: agent["id"] for agent in agents}
        return ids if set(ids) == set(REGISTERED) else {}

    def _twin_of_no_address(self) -> str:
        """The one that registered first, so that Prometheus does not miss it."""
        known = self.stack.api(f"/api/v1/agents/{self.ids['twin']}")["metrics_address"]
        return next(name for name in ("twin", "second twin") if self._addresses[name] != known)

    def _configure(self, configuration: str) -> None:
        self.stack.prometheus.configure(configuration)
        self.stack.prometheus.reload()

    def _new_key(self, role: str, **bound: str) -> tuple[Path, str]:
        made = self.stack.api("/api/v1/keys", {"name": role, "role": role, **bound})
        path = self.stack.folder / f"{made['id']}.key"
        path.write_text(made["key"], encoding="utf-8")
        path.chmod(0o600)
        return path, made["id"]


def expect(look: Callable[[], object], wanted: object) -> None:
    """Look until this is seen; else fail with what is seen instead."""
    try:
        eventually(lambda: look() == wanted)
    except AssertionError:
        assert look() == wanted


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """All of them, of whom a real sync tells. Nobody gives Prometheus more than a few seconds."""
    with running_stack(is_telling=True) as stack:
        one = Fleet(stack)
        yield one
        one.end()


def test_views_of_an_agent_that_disagree_are_shown_everywhere_until_the_cause_is_mended(
    fleet: Fleet,
) -> None:
    wrong = {
        ("registered_not_scraped", "dropped"),
        ("scraped_not_registered", "stranger"),
        ("scraped_but_silent", "silent"),
        ("beats_but_down", "shut"),
        ("retired_but_scraped", "retired"),
        ("retired_but_heard", "retired"),
        ("two_processes", "twin"),
    }
    fleet.go_wrong()
    expect(fleet.listed, wrong)
    expect(fleet.of_each, {(kind, name) for kind, name in wrong if name != "stranger"})
    expect(fleet.counted, dict.fromkeys(KINDS, 1))
    expect(fleet.shown, (wrong, len(wrong)))

    fleet.mend()
    expect(fleet.up, set(REGISTERED))
    expect(fleet.listed, set())
    expect(fleet.of_each, set())
    # That all kinds are known says that sync tells still.
    expect(fleet.counted, dict.fromkeys(KINDS, 0))
    expect(fleet.shown, (set(), 0))
