"""The program that registries are forks of: it has imported all that they need.

It reads lines of JSON from its input and answers each with a line. Flags, environment, folder and
log of a registry are answered with the number of its process, once it is started; such a number,
with the exit status, or null while it runs. It ends with its input.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from pulseguard_registry import command


def start(flags: Sequence[str], environment: Mapping[str, str], folder: str, log: str) -> int:
    """Fork, and let the fork end as any program does; returns its number."""
    number = os.fork()
    if number == 0:
        os.chdir(folder)
        _speak_to(log)
        os.environ.clear()
        os.environ.update(environment)
        sys.exit(command.main(["serve", *flags]))
    return number


def exit_status(number: int) -> int | None:
    """As `subprocess` has it: a signal that ended it is below zero."""
    ended, status = os.waitpid(number, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _speak_to(log: str) -> None:
    """Errors go to the log; input and output, which are those of this program, lead nowhere."""
    with Path(log).open("ab") as errors, Path(os.devnull).open("r+b") as nothing:
        os.dup2(errors.fileno(), sys.stderr.fileno())
        for stream in (sys.stdin, sys.stdout):
            os.dup2(nothing.fileno(), stream.fileno())


if __name__ == "__main__":
    # As `serve` imports it: without looking for garbage.
    gc.disable()
    import_module("pulseguard_registry.app")
    gc.enable()
    gc.freeze()
    for line in sys.stdin:
        asked = json.loads(line)
        answer = exit_status(asked) if isinstance(asked, int) else start(*asked)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
