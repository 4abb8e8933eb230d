"""A stand-in for Docker's client and server in one: a container is a process of its own.

Its first argument is the folder of its state: `calls.jsonl`, each command line that it was given;
`image`, where there is the image; `unreachable`, where none can be fetched; `down`, where the
server does not run; `home`, Grafana's in the image; `containers`, the pid of each by its name.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pulseguard_stack.runner.processes import end, process

STATE = Path(sys.argv[1])
PROGRAM = Path(__file__).with_name("grafana_stand_in.py")
# What the image says for itself.
IMAGE_VARIABLES = {
    "GF_PATHS_DATA": "/var/lib/grafana",
    "GF_PATHS_PROVISIONING": "/etc/grafana/provisioning",
}


def complain(text: str, status: int = 1) -> int:
    sys.stderr.write(f"stand-in for Docker: {text}\n")
    return status


def options(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    rest = iter(arguments)
    for flag in rest:
        if flag == "--rm":
            continue
        if not flag.startswith("--"):
            return
        yield flag, next(rest)


def run(arguments: Sequence[str]) -> int:
    given = list(options(arguments))
    name = dict(given)["--name"]
    note = STATE / "containers" / name
    if note.exists():
        return complain(f'Conflict. The container name "/{name}" is already in use', 125)
    mounts = dict(mount(value) for flag, value in given if flag == "--mount")
    variables = dict(value.split("=", 1) for flag, value in given if flag == "--env")
    # In a session of its own and without our variables, as what a server has started.
    container = subprocess.Popen(
        [sys.executable, str(PROGRAM), "server", f"--homepath={STATE / 'home'}"],
        env=outside({**IMAGE_VARIABLES, **variables}, mounts),
        start_new_session=True,
    )
    note.parent.mkdir(exist_ok=True)
    note.write_text(str(container.pid))
    signal.signal(signal.SIGTERM, lambda *_: container.terminate())
    status = container.wait()
    note.unlink(missing_ok=True)
    return status


def mount(value: str) -> tuple[str, str]:
    fields = next(csv.reader([value]))
    named = dict(field.split("=", 1) for field in fields if "=" in field)
    if not Path(named["source"]).exists():
        raise SystemExit(complain(f"bind source path does not exist: {named['source']}", 125))
    return named["target"], named["source"]


def outside(variables: Mapping[str, str], mounts: Mapping[str, str]) -> Mapping[str, str]:
    """The variables with the paths that this machine has for those of the container."""
    for target, source in mounts.items():
        variables = {name: value.replace(target, source) for name, value in variables.items()}
    return variables


def stop(name: str) -> int:
    note = STATE / "containers" / name
    if not note.exists():
        return complain(f"No such container: {name}")
    pid = note.read_text()
    # Like Docker, it takes a container away (--rm) only a moment after it has ended.
    note.write_text("")
    running = process(int(pid)) if pid else None
    end([running] if running else [], deadline_seconds=10)
    sys.stdout.write(f"{name}\n")
    return 0


def remove(name: str) -> int:
    status = stop(name)
    (STATE / "containers" / name).unlink(missing_ok=True)
    return status


def pull() -> int:
    if (STATE / "unreachable").exists():
        return complain("dial tcp: lookup registry-1.docker.io: no such host")
    (STATE / "image").touch()
    return 0


def main(verb: str, *arguments: str) -> int:
    with (STATE / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps([verb, *arguments]) + "\n")
    if (STATE / "down").exists():
        return complain("Cannot connect to the Docker daemon")
    if verb in ("version", "info"):
        sys.stdout.write("[name=seccomp,profile=builtin]\n")
        return 0
    if verb == "image":
        return 0 if (STATE / "image").exists() else complain("No such image")
    if verb == "pull":
        return pull()
    if verb == "ps":
        name = arguments[-1].removeprefix("name=")
        sys.stdout.write(f"{name}\n" if (STATE / "containers" / name).exists() else "")
        return 0
    if verb == "rm":
        return remove(arguments[-1])
    return run(arguments) if verb == "run" else stop(arguments[-1])


if __name__ == "__main__":
    os.umask(0o077)
    raise SystemExit(main(*sys.argv[2:]))
