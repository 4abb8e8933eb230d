"""One round of a sync in a process of its own, which can be killed before any of its steps.

    python crashing_sync.py STEP REGISTRY FOLDER PROMTOOL PROMETHEUS

A step is whatever changes the folder, starts promtool or asks a server. Before the one of this
number (the first is 0) the process kills itself as `kill -9` does. Without a kill it writes what
its steps were, one a line.
"""

import os
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

from pulseguard_prometheus.publication.start import claimed_rules_sync
from pulseguard_prometheus.settings import ServerAddress

_steps: list[str] = []


def _step_of(event: str, arguments: tuple[object, ...]) -> str | None:
    if event == "open" and "w" in str(arguments[1]):
        return f"write {arguments[0]}"
    if event == "http.client.send":
        return f"ask {bytes(arguments[1]).split(b' HTTP')[0].decode()[:60]}"  # type: ignore[call-overload]
    if event in ("os.rename", "os.remove", "os.mkdir", "subprocess.Popen"):
        return f"{event} {arguments[0]}"
    return None


def _address(url: str) -> ServerAddress:
    parts = urlsplit(url)
    return ServerAddress(parts.scheme, parts.hostname or "", parts.port, "")


def main(kill_at: int, registry: str, folder: str, promtool: str, prometheus: str) -> None:
    """Runs the round."""

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        step = _step_of(event, arguments)
        if step is not None:
            if len(_steps) == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            _steps.append(step)

    claimed = claimed_rules_sync(
        _address(registry),
        Path(folder),
        Path(promtool),
        _address(prometheus),
        prometheus_name="eu/1",
        read_key=lambda: None,
    )
    sys.addaudithook(watch)
    with claimed as sync:
        sync.run_once()
    sys.stdout.write("\n".join(_steps))


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
