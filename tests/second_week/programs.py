"""The programs of a deployment, each with its clock moved.

Only what is waited for is shorter than it is shipped: scrapes, evaluations, the time that an alert
has to hold on, and what tests.second_week.hurried names.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pulseguard_prometheus.configuration import (
    render_alertmanager_configuration,
    render_configuration,
    render_rules,
    shipped_alertmanager_configuration,
    shipped_configuration,
    shipped_rules,
)
from pulseguard_stack.programs import find_program
from pulseguard_stack.runner.plan import RETENTION_TIME
from tests.end_to_end.conftest import LONG
from tests.end_to_end.processes import Started
from tests.end_to_end.rules_stack import HastyPrometheus
from tests.prometheus.alertmanager_server import AlertmanagerServer
from tests.prometheus.sync_process import SyncProcess
from tests.prometheus_server import PrometheusServer
from tests.registry.process import Process, RegistryProcess
from tests.second_week.moved_clock import moved_arguments, moved_command, python_path
from tests.started_program import lasting_port

SCRAPE_SECONDS = 0.5
# For each alert; with full counts as it is shipped.
PENDING_SECONDS = 10
_HURRIED = ("-m", "tests.second_week.hurried")
_AGENT = ("-m", "tests.second_week.queueing_agent")


class MovedRegistry(RegistryProcess):
    """A registry; its log has the time in its name."""

    def __init__(self, folder: Path, url: str, port: int, seconds: int, **settings: str) -> None:
        self._seconds = seconds
        super().__init__(folder, url, port, f"registry-{seconds}", **settings)

    def start(self, *flags: str, environment: Mapping[str, str], folder: Path) -> Process:
        command = [*moved_command(self._seconds), sys.executable, *_HURRIED, "registry", *flags]
        with self.log_path.open("ab") as log:
            return subprocess.Popen(command, env=dict(environment), cwd=folder, stderr=log)


class KeepingPrometheus(HastyPrometheus):
    """Keeps its numbers for as long as that of a deployment."""

    @property
    def arguments(self) -> Sequence[str]:
        return [*super().arguments, f"--storage.tsdb.retention.time={RETENTION_TIME}"]


def alertmanager_of(folder: Path, registry_address: str) -> AlertmanagerServer:
    """With what is shipped, until sync adds who is told."""
    shipped = shipped_alertmanager_configuration()
    configuration = render_alertmanager_configuration(shipped, registry_address=registry_address)
    return AlertmanagerServer(folder, configuration, port=lasting_port())


def prometheus_of(
    folder: Path, registry_address: str, alertmanager_address: str
) -> KeepingPrometheus:
    """With the shipped rules; the users' are sync's."""
    (folder / "rules").mkdir(parents=True)
    for name, text in shipped_rules().items():
        # The dead man's switch fires at once, here as everywhere.
        is_shipped = LONG or name == "watchdog.yml"
        rules = text if is_shipped else render_rules(text, pending_seconds=PENDING_SECONDS)
        (folder / "rules" / name).write_text(rules, encoding="utf-8")
    port = lasting_port()
    configuration = render_configuration(
        shipped_configuration(),
        scrape_interval_seconds=SCRAPE_SECONDS,
        registry_address=registry_address,
        alertmanager_address=alertmanager_address,
        prometheus_address=f"127.0.0.1:{port}",
    )
    return KeepingPrometheus(folder, configuration, port=port)


def start_sync(
    sync: SyncProcess,
    seconds: int,
    registry_url: str,
    prometheus: PrometheusServer,
    alertmanager: AlertmanagerServer,
    **settings: str,
) -> None:
    """Beside both of them."""
    sync.program = (*moved_arguments(seconds), sys.executable, *_HURRIED, "sync")
    sync.settings = {"PYTHONPATH": python_path()}
    arguments = {
        "--key-file": prometheus.folder / "secrets" / "prometheus.key",
        "--prometheus-url": prometheus.url,
        "--prometheus-name": "prometheus",
        "--rules-dir": prometheus.folder / "user-rules",
        "--promtool": find_program("promtool"),
        "--alertmanager-config": alertmanager.configuration_file,
        "--alertmanager-url": alertmanager.url,
        "--amtool": find_program("amtool"),
    }
    sync.start(
        registry_url, *(str(part) for pair in arguments.items() for part in pair), **settings
    )


def start_agent(name: str, seconds: int, log: Path, **settings: str) -> Started:
    """On another port than before."""
    known = {
        "PULSEGUARD_INSTANCE": "only",
        "PULSEGUARD_METRICS_PORT": "0",
        "PULSEGUARD_HEARTBEAT_SECONDS": "0.5",
        "PULSEGUARD_SNAPSHOT_SECONDS": "1",
        "TMPDIR": str(log.parent),
    }
    command = [*moved_command(seconds), sys.executable, *_AGENT, name]
    return Started([*command], known | settings, log)
