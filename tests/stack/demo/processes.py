"""A demo agent as a process of its own, and what its /metrics says."""

from __future__ import annotations

import os
import re
import signal
import urllib.request
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.forked_program import ForkedProgram, forks_of

CALLS = "gen_ai_client_operation_duration_seconds_count"


@dataclass(frozen=True)
class Page:
    """The samples of one scrape."""

    samples: tuple[Sample, ...]

    def total(self, name: str, **labels: str) -> int:
        """The sum of the samples of this name that have these labels."""
        return round(sum(one.value for one in self.samples if _matches(one, name, labels)))

    def by(self, label: str, name: str, **labels: str) -> dict[str, int]:
        """The same, told apart by a label, without zeros."""
        found = {one.labels[label] for one in self.samples if one.name == name}
        totals = {value: self.total(name, **{label: value}, **labels) for value in found}
        return {value: total for value, total in totals.items() if total}


@dataclass(frozen=True)
class DemoAgent:
    """A running demo agent."""

    name: str
    process: ForkedProgram
    first_line: str
    log_file: Path

    @property
    def page(self) -> Page:
        """What its /metrics says now."""
        found = re.search(r"http://\S+/metrics", self.first_line)
        assert found, self.first_line
        with urllib.request.urlopen(found[0], timeout=5) as answer:
            families = text_string_to_metric_families(answer.read().decode())
            return Page(tuple(sample for family in families for sample in family.samples))

    def tasks(self, outcome: str) -> int:
        """How many tasks ended so."""
        return self.page.total("pulseguard_tasks_total", outcome=outcome)

    def log(self) -> list[str]:
        """What it wrote to standard error."""
        return self.log_file.read_text(encoding="utf-8").splitlines()

    def has_logged(self, text: str) -> bool:
        """Whether a line of the log holds this text."""
        return any(text in line for line in self.log())

    def end(self, number: signal.Signals, within_seconds: float) -> int:
        """Sends a signal; the exit status, or a failed test where it takes longer."""
        self.process.send_signal(number)
        return self.process.wait(within_seconds)


def start_agent(
    name: str, url: str, folder: Path, *arguments: str, **environment: str
) -> DemoAgent:
    """Starts an agent in a folder of its own, and answers once it is measured."""
    folder.mkdir(parents=True, exist_ok=True)
    log_file = folder / f"{name}.log"
    process = _start(log_file, name, folder, *arguments, **environment, url=url)
    line = process.first_line()
    assert line, log_file.read_text(encoding="utf-8")
    return DemoAgent(name, process, line, log_file)


def stop_agents(agents: Collection[DemoAgent]) -> None:
    """Ends agents together, whatever state they are in."""
    for agent in agents:
        agent.process.terminate()
    for agent in agents:
        try:
            agent.process.wait(10)
        finally:
            agent.process.kill()


def _start(
    log_file: Path, name: str, folder: Path, *arguments: str, url: str, **environment: str
) -> ForkedProgram:
    settings = {
        "PATH": os.environ["PATH"],
        # The slots of the tests' agents are nobody else's, nor is the file of the user's stack.
        "TMPDIR": str(folder),
        "HOME": str(folder),
        "PULSEGUARD_MODEL_SERVER_URL": url,
        **environment,
    }
    agents = forks_of("pulseguard_stack.demo.command")
    return agents.start(name, *arguments, environment=settings, folder=folder, errors=log_file)


def _matches(sample: Sample, name: str, labels: dict[str, str]) -> bool:
    return sample.name == name and labels.items() <= sample.labels.items()
