"""How soon Prometheus has a change of one rule group among two hundred, and the proof of it."""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.registry_process import serving_process
from bench.rounds import Amount, Result
from bench.rules import GROUPS, RULES, group
from pulseguard_registry.embedded import EmbeddedPostgres
from pulseguard_stack.programs import find_program

CHANGES = 10
AT_ONCE = 50
LOOK_SECONDS = 0.1
LOADED_SECONDS = 120
START_SECONDS = 60
PROMISED_SECONDS = 5.0
CONFIGURATION = "{global: {evaluation_interval: 10s}, rule_files: [user-rules/*.yml]}"
PATH = "/api/v1/rule-groups"
# Stands in a configuration for the Prometheus that reads it.
ITSELF = "itself:9090"


class Api:
    """A registry over HTTP, as an admin sees it."""

    def __init__(self, port: int, key: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._key = key

    # Any: JSON.
    def ask(self, method: str, path: str, body: object = None, tag: int | None = None) -> Any:
        """What is answered."""
        sent = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, sent, method=method)
        request.add_header("Authorization", f"Bearer {self._key}")
        request.add_header("Content-Type", "application/json")
        if tag is not None:
            request.add_header("If-Match", f'"{tag}"')
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def wait_until_loaded(self, group_id: str) -> float:
        """Seconds until Prometheus is told to have a group as it is."""
        began = time.monotonic()
        while self.ask("GET", f"{PATH}/{group_id}")["state"] != "loaded":
            if time.monotonic() - began > LOADED_SECONDS:
                raise RuntimeError(f"a group is not loaded after {LOADED_SECONDS} s")
            time.sleep(LOOK_SECONDS)
        return time.monotonic() - began


def run() -> Iterator[Result]:
    """From the answer to a PUT until the group is told to be loaded; sync asks once a second."""
    with _stack() as api:
        groups = [group(number) for number in range(GROUPS)]
        applied = []
        for start in range(0, GROUPS, AT_ONCE):
            sent = {"groups": groups[start : start + AT_ONCE]}
            applied += api.ask("POST", f"{PATH}/apply", sent)["groups"]
        began = time.monotonic()
        for each in applied:
            api.wait_until_loaded(each["id"])
        first = time.monotonic() - began
        seconds = [_change(api, applied[number * GROUPS // CHANGES]) for number in range(CHANGES)]
    yield Amount(f"{GROUPS * RULES} rules loaded, all new", "s", [first])
    yield Amount("one group changed and loaded: median", "s", seconds, PROMISED_SECONDS)
    yield Amount("one group changed and loaded: worst", "s", [max(seconds)], PROMISED_SECONDS)


# Any: JSON.
def _change(api: Api, applied: Any) -> float:
    path = f"{PATH}/{applied['id']}"
    now = api.ask("GET", path)
    rules = [rule | {"for": "6m"} for rule in now["rules"]]
    fields = ("kind", "name", "expr", "for", "labels", "annotations")
    body = {
        **{name: now[name] for name in ("name", "interval", "owner")},
        "rules": [{name: rule[name] for name in fields} for rule in rules],
    }
    api.ask("PUT", path, body, now["revision"])
    return api.wait_until_loaded(applied["id"])


@contextmanager
def _stack() -> Iterator[Api]:
    """Registry, sync and Prometheus, each a process, on a PostgreSQL that waits for the disk."""
    # Not under a home: as root PostgreSQL runs as another user, who must reach it.
    folder = Path(tempfile.mkdtemp(prefix="pulseguard-bench-"))
    with ExitStack() as parts:
        parts.callback(shutil.rmtree, folder)
        postgres = EmbeddedPostgres(folder)
        parts.callback(postgres.stop)
        port = parts.enter_context(serving_process(folder, DATABASE_URL=postgres.start()))
        api = Api(port, (folder / "secrets" / "admin.key").read_text().strip())
        prometheus = parts.enter_context(
            prometheus_in(folder / "prometheus", CONFIGURATION, folder / "prometheus" / "data")
        )
        made = api.ask("POST", "/api/v1/keys", {"name": "sync", "role": "prometheus"})
        key = folder / "prometheus.key"
        key.touch(0o600)
        key.write_text(made["key"])
        parts.enter_context(_sync(folder, api.url, prometheus))
        yield api


@contextmanager
def prometheus_in(folder: Path, configuration: str, data: Path) -> Iterator[str]:
    """A Prometheus with its data in that folder: where it answers."""
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    (folder / "prometheus.yml").write_text(configuration.replace(ITSELF, address))
    command: list[str | Path] = [
        find_program("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={data}",
        f"--web.listen-address={address}",
        "--web.enable-lifecycle",
    ]
    with _process(command, folder / "log"):
        _wait_until_ready(address)
        yield f"http://{address}"


def _wait_until_ready(address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        # Nobody listens yet, or it answers 503 while it reads its data.
        with suppress(OSError), urllib.request.urlopen(f"http://{address}/-/ready", timeout=1):
            return
        time.sleep(LOOK_SECONDS)
    raise RuntimeError(f"Prometheus is not ready after {START_SECONDS} s")


@contextmanager
def _sync(folder: Path, registry: str, prometheus: str) -> Iterator[None]:
    command: list[str | Path] = [sys.executable, "-m", "pulseguard.command", "sync"]
    command += ["--registry-url", registry, "--prometheus-url", prometheus]
    command += ["--targets-file", folder / "targets" / "agents.json"]
    command += ["--key-file", folder / "prometheus.key"]
    command += ["--rules-dir", folder / "prometheus" / "user-rules"]
    command += ["--promtool", find_program("promtool")]
    (folder / "targets").mkdir()
    with _process(command, folder / "sync.log"):
        yield


@contextmanager
def _process(command: list[str | Path], log: Path) -> Iterator[None]:
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        yield
    finally:
        process.terminate()
        process.wait()
