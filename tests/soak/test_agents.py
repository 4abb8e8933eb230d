"""The simulated agents register, beat and are scraped as real ones, and keep an honest ledger."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import decompress
from typing import Any

import pytest
from bench.soak.agents import Told
from bench.soak.exposition import TURN_SECONDS, Exposition, exposition
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.registry.running import eventually
from tests.soak.small_registry import SmallRegistry


class Running:
    """The program at work."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def heard(self) -> Any:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())

    def stop(self) -> Any:
        assert self._process.stdin
        self._process.stdin.close()
        return self.heard()


@contextmanager
def running(registry: SmallRegistry, agents: int = 3) -> Iterator[Running]:
    told = Told(registry.url, "key", agents, "127.0.0.1", 0.2, 0.4)
    command = [sys.executable, "-m", "bench.soak.agents"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdin
            process.stdin.write(told.as_line())
            process.stdin.flush()
            yield Running(process)
        finally:
            process.kill()


def scraped(address: str, agent_id: str) -> bytes:
    url = f"http://{address}/metrics?agent_id={agent_id}"
    with urllib.request.urlopen(url, timeout=5) as answer:
        return decompress(answer.read())


def test_what_the_registry_refuses_is_sent_again_until_it_is_acknowledged() -> None:
    with SmallRegistry() as registry:
        registry.refuses = 4
        with running(registry) as agents:
            agents.heard()
            eventually(lambda: len(registry.beats) > 10)
            registry.refuses = 5
            before = len(registry.beats)
            eventually(lambda: len(registry.beats) > before + 10)
            ledger = agents.stop()

    taken = {
        (agent, body["snapshot"]["taken_at"])
        for agent, body in registry.beats
        if "snapshot" in body
    }
    assert sum(ledger["acknowledged"].values()) == len(taken)
    assert ledger["refused"] == {"503": 9}
    assert ledger["ended"] == []


def test_each_is_scraped_at_an_address_of_its_own_and_speaks_for_itself_alone() -> None:
    with SmallRegistry() as registry, running(registry) as agents:
        agents.heard()
        addresses = {name: said["metrics_address"] for name, said in registry.agents.items()}
        pages = [scraped(address, name) for name, address in addresses.items()]
        with pytest.raises(urllib.error.HTTPError, match="404"):
            scraped(addresses["simulated-0"], "simulated-1")
        ledger = agents.stop()

    assert len(set(addresses.values())) == 3
    assert all(page.endswith(b"# EOF\n") for page in pages)
    assert ledger["scrapes"] == 3


def test_they_are_said_to_be_simulated() -> None:
    with SmallRegistry() as registry, running(registry) as agents:
        agents.heard()

    assert {said["environment"] for said in registry.agents.values()} == {"simulated"}


def test_what_an_agent_shows_is_of_a_usual_size_and_goes_on_as_an_agents_does() -> None:
    shown = exposition()
    first, later = (samples(shown, seconds) for seconds in (0, 5 * TURN_SECONDS))

    assert 200 < shown.samples == len(first) < 400
    calls = [key for key in first if key[0] == "gen_ai_client_operation_duration_seconds_count"]
    assert [later[key] / first[key] for key in calls] == [6, 6]
    assert all(later[key] >= value for key, value in first.items())
    assert all(later[key] == first[key] for key in first if key[0].endswith("_limit_tokens"))
    activity = "pulseguard_last_activity_timestamp_seconds", ()
    assert later[activity] - first[activity] == 5 * TURN_SECONDS


def samples(shown: Exposition, seconds: float) -> dict[tuple[str, tuple[str, ...]], float]:
    """By name and labels, as Prometheus would read them."""
    page = decompress(shown.page(seconds, now=1.8e9 + seconds)).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(page)  # type: ignore[no-untyped-call]
        for sample in family.samples
    }
