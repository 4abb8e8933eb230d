"""The registry as its users run it: a process."""

from __future__ import annotations

import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tests.forked_program import Forks
from tests.registry.running import eventually
from tests.registry.starts import registries


class Process(Protocol):
    """What is asked of a registry's process, whoever has started it."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float = ...) -> int: ...
    def send_signal(self, number: int, /) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class Answer(NamedTuple):
    """Status, body as JSON, and how long it took."""

    status: int
    body: Any
    seconds: float


class RegistryProcess:
    """`pulseguard registry serve` on a free port."""

    def __init__(
        self,
        folder: Path,
        database_url: str | None,
        port: int = 0,
        name: str = "registry",
        **settings: str,
    ) -> None:
        self.data_dir = folder / "data"
        self.log_path = folder / f"{name}.log"
        environment = {"PULSEGUARD_DATA_DIR": str(self.data_dir), "PATH": os.environ["PATH"]}
        environment |= {f"PULSEGUARD_{key.upper()}": each for key, each in settings.items()}
        if database_url is not None:
            environment["DATABASE_URL"] = database_url
        self.log_path.write_bytes(b"")
        flags = ("serve", "--port", str(port))
        self.process = self.start(*flags, environment=environment, folder=folder)
        self.url = ""

    def start(self, *flags: str, environment: Mapping[str, str], folder: Path) -> Process:
        """Start it with these flags; what it says goes to its log."""
        return self.forks().start(
            *flags, environment=environment, folder=folder, errors=self.log_path
        )

    def forks(self) -> Forks:
        """What it is started by."""
        return registries()

    def wait_until_it_listens(self) -> None:
        """Read from its log where it listens."""
        eventually(lambda: "listening on " in self.log() or self.process.poll() is not None, 20)
        assert self.process.poll() is None, self.log()
        self.url = re.findall(r'listening on ([^\s"]+)', self.log())[-1]

    def log(self) -> str:
        """What it has said so far."""
        return self.log_path.read_text(encoding="utf-8")

    def get(self, path: str, key: str = "") -> Answer:
        """GET without any client library's retries."""
        return self._ask(urllib.request.Request(self.url + path), key)

    def post(self, path: str, body: Any, key: str = "") -> Answer:
        """POST JSON; the answer whatever its status."""
        return self.ask("POST", path, body, key)

    def put(self, path: str, body: Any, key: str = "") -> Answer:
        """PUT JSON; the answer whatever its status."""
        return self.ask("PUT", path, body, key)

    def ask(self, method: str, path: str, body: Any, key: str, tag: int | None = None) -> Answer:
        """Any request with JSON, and the revision that it is to find."""
        sent = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, sent, method=method)
        request.add_header("Content-Type", "application/json")
        if tag is not None:
            request.add_header("If-Match", f'"{tag}"')
        return self._ask(request, key)

    def _ask(self, request: urllib.request.Request, key: str) -> Answer:
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        started = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        return Answer(status, json.loads(body or b"null"), time.monotonic() - started)

    def is_ready(self) -> bool:
        """Whether it says so itself."""
        return self.get("/api/v1/health/ready").status == 200

    def admin_key(self) -> str:
        """The key that its first start wrote."""
        return (self.data_dir / "secrets" / "admin.key").read_text().strip()

    def stop(self) -> int:
        """End it as an operator would; returns its exit status."""
        self.process.terminate()
        return self.process.wait(20)


@contextmanager
def registry_process(
    folder: Path, database_url: str | None, **settings: str
) -> Iterator[RegistryProcess]:
    """A registry that listens, ended afterwards."""
    one = RegistryProcess(folder, database_url, 0, **settings)
    try:
        one.wait_until_it_listens()
        yield one
    finally:
        one.stop()
