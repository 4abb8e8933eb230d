"""run.json: what runs now, for `status`, `down`, and the next `up` after a kill."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulseguard_stack.runner.owned_files import read_json_object, write_owned_json
from pulseguard_stack.runner.processes import Process


@dataclass(frozen=True)
class Addresses:
    """Where the stack answers; None for what does not run."""

    registry_url: str
    prometheus_url: str
    alertmanager_url: str
    grafana_url: str | None
    model_server_url: str | None


@dataclass(frozen=True)
class RunningComponent:
    """A component's process, and the log that it writes."""

    name: str
    process: Process
    log: Path


@dataclass(frozen=True)
class Run:
    """One run of the stack."""

    addresses: Addresses
    viewer_key_file: Path
    demo: bool
    runner: Process
    components: Sequence[RunningComponent] = ()


def write_run(path: Path, run: Run) -> None:
    """Replaces the file in one step."""
    write_owned_json(
        path,
        {
            **vars(run.addresses),
            "viewer_key_file": str(run.viewer_key_file),
            "demo": run.demo,
            "runner_pid": run.runner.pid,
            "runner_started": run.runner.started,
            "components": [
                {
                    "name": each.name,
                    "pid": each.process.pid,
                    "started": each.process.started,
                    "log": str(each.log),
                }
                for each in run.components
            ],
        },
    )


def read_run(path: Path) -> Run | None:
    """Answers the run of the file; None where there is no file, or not one of ours."""
    document = read_json_object(path)
    try:
        return _parsed(document) if document else None
    except (KeyError, TypeError, ValueError):
        return None


def _parsed(document: dict[str, Any]) -> Run:  # Any: JSON; what does not fit raises
    return Run(
        Addresses(**{name: document[name] for name in Addresses.__dataclass_fields__}),
        Path(document["viewer_key_file"]),
        bool(document["demo"]),
        Process(int(document["runner_pid"]), str(document["runner_started"])),
        [
            RunningComponent(
                str(each["name"]),
                Process(int(each["pid"]), str(each["started"])),
                Path(each["log"]),
            )
            for each in document["components"]
        ],
    )
