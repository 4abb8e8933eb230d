"""A real Prometheus for tests: started in a folder, asked over its API, stopped by its handle."""

import json
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from pulseguard_stack.programs import find_program

Found = TypeVar("Found")

START_TIMEOUT_SECONDS = 30
STOP_TIMEOUT_SECONDS = 20


@dataclass(frozen=True)
class Sample:
    """One element of an instant vector."""

    labels: dict[str, str]
    value: float


def free_port() -> int:
    """Answers a port on loopback that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(look: Callable[[], Found], *, timeout_seconds: float = 20) -> Found:
    """Looks until what is found is true, and answers it; the deadline fails the test."""
    deadline = time.monotonic() + timeout_seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still {found!r} after {timeout_seconds} s")
        time.sleep(0.05)
    return found


class PrometheusServer:
    """Prometheus with its configuration, its data and its log in one folder.

    The configuration is the text of a prometheus.yml; its relative paths start at the folder.
    """

    def __init__(
        self,
        folder: Path,
        configuration: str,
        *,
        port: int | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        self.log = folder / "prometheus.log"
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.configure(configuration)

    def configure(self, configuration: str) -> None:
        """Writes the configuration; a running server takes it at its next start."""
        (self.folder / "prometheus.yml").write_text(configuration, encoding="utf-8")

    def start(self) -> None:
        """Returns when Prometheus says that it is ready; an AssertionError carries its log."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    find_program("prometheus"),
                    f"--config.file={self.folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self.folder / 'data'}",
                    f"--web.listen-address={self.address}",
                    *self._arguments,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            eventually(self._is_ready, timeout_seconds=START_TIMEOUT_SECONDS)
        except AssertionError:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends Prometheus as an operator would, keeping its data; harmless when it is stopped."""
        if not self._process:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def restart(self) -> None:
        """Stops and starts again on the same port, folder and data."""
        self.stop()
        self.start()

    def query(self, promql: str) -> list[Sample]:
        """Answers the instant vector of an expression, now."""
        found = self._get("/api/v1/query", query=promql)
        return [Sample(each["metric"], float(each["value"][1])) for each in found["result"]]

    def value(self, promql: str) -> float | None:
        """Answers the value of an expression with at most one element, None where it has none."""
        samples = self.query(promql)
        if len(samples) > 1:
            raise AssertionError(f"{promql} has {len(samples)} elements: {samples}")
        return samples[0].value if samples else None

    # Any: the objects of Prometheus' API, as JSON gives them.
    def targets(self, job: str | None = None) -> list[dict[str, Any]]:
        """Answers the active targets, of one job where it is named, as the API shows them."""
        active = self._get("/api/v1/targets", state="active")["activeTargets"]
        return [each for each in active if job in (None, each["labels"]["job"])]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # Any: the "data" of an answer is a different thing on each path.
    def _get(self, path: str, **parameters: str) -> Any:
        url = f"{self.url}{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def _is_ready(self) -> bool:
        if not self._process or self._process.poll() is not None:
            raise AssertionError(f"Prometheus ended:\n{self.log.read_text(errors='replace')}")
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False
