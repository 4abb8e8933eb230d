"""The program run with each major version of the client, with and without instrumentation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

from pulseguard_stack.model_server.ledger import Entry
from tests.exporters.instrumentation.model_server import model_server
from tests.exporters.instrumentation.previous_clients import previous_clients

Major = Literal["current", "previous"]
MAJORS: tuple[Major, ...] = ("current", "previous")
_PROGRAM = "tests.exporters.instrumentation.anthropic.program"
_ROOT = Path(__file__).parents[4]
_AT_ONCE = ("--first-token-median", "0", "--token-median", "0", "--retry-after-ms", "5")
_SLOW = ("--first-token-median", "0.02", "--token-median", "0.02", "--first-token-sigma", "0")


@dataclass(frozen=True)
class Run:
    """What one run of the program told, by scenario, and the ledgers of its servers."""

    version: str
    seen: dict[str, Any]
    numbers: dict[str, list[tuple[str, dict[str, str], float]]]
    seconds: dict[str, float]
    entries: dict[str, list[Entry]]

    def growth(self, scenario: str, name: str, label: str = "") -> dict[str, float]:
        """By how much the samples of this name grew, by a label; the zeros left out."""
        found: dict[str, float] = {}
        for sample, labels, by in self.numbers[scenario]:
            if sample == name:
                value = labels.get(label, "")
                found[value] = found.get(value, 0) + by
        return found

    def grown(self, scenario: str, name: str) -> float:
        """The same over all labels."""
        return sum(self.growth(scenario, name).values())

    def calls(self, scenario: str) -> list[list[Entry]]:
        """The attempts of each call of a scenario."""
        calls: list[list[Entry]] = []
        for entry in self.entries.get(scenario, []):
            if entry.attempt == 0:
                calls.append([])
            calls[-1].append(entry)
        return calls


@dataclass(frozen=True)
class Runs:
    """One major version, both ways."""

    measured: Run
    plain: Run


def run_all() -> dict[Major, Runs]:
    """All four, two at a time."""
    paths: dict[Major, list[Path]] = {"current": [_ROOT], "previous": [previous_clients(), _ROOT]}
    with ThreadPoolExecutor(2) as pool:
        wanted = list(product(MAJORS, ("measured", "plain")))
        told = list(pool.map(lambda one: _run(paths[one[0]], one[1]), wanted))
    by_name = dict(zip(wanted, told, strict=True))
    return {
        major: Runs(by_name[(major, "measured")], by_name[(major, "plain")]) for major in MAJORS
    }


def _run(path: list[Path], how: str) -> Run:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    # Without a registry: that of a stack running beside the tests is not theirs.
    environment |= {"XDG_STATE_HOME": "/nonexistent"}
    with model_server(*_AT_ONCE, "--stall-seconds", "20") as quick, model_server(*_SLOW) as slow:
        command = [sys.executable, "-m", _PROGRAM, quick.url, slow.url, how]
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        entries = _by_scenario([*quick.entries(), *slow.entries()])
    numbers, seconds = told.get("numbers", {}), told.get("seconds", {})
    return Run(told["version"], told["seen"], numbers, seconds, entries)


def _by_scenario(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda one: one.received_at):
        found.setdefault(entry.call.partition("#")[0], []).append(entry)
    return found
