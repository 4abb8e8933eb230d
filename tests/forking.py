"""A program that has imported another one, and forks to start it: `python -m tests.forking MODULE`.

It reads lines of JSON from its input and answers each with a line. Arguments, environment, folder,
and files for output and errors are answered with the number of the process that was started with
them; such a number, with the exit status, or null while it runs. It ends with its input.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

Main = Callable[[Sequence[str]], int]


def imported(module: str, *later: str) -> Main:
    """The `main` of a module, which these are imported for as well, as it does itself later."""
    gc.disable()
    main: Main = import_module(module).main
    for each in later:
        import_module(each)
    gc.enable()
    gc.freeze()
    return main


def start(
    main: Main,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: str,
    output: str,
    errors: str,
) -> int:
    """Fork, and let the fork end as any program does; returns its number."""
    number = os.fork()
    if number == 0:
        os.chdir(folder)
        _lead(sys.stdin, os.devnull, "rb")
        _lead(sys.stdout, output, "ab")
        _lead(sys.stderr, errors, "ab")
        os.environ.clear()
        os.environ.update(environment)
        sys.exit(main(arguments))
    return number


def exit_status(number: int) -> int | None:
    """As `subprocess` has it: a signal that ended it is below zero."""
    ended, status = os.waitpid(number, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _lead(stream: Any, path: str, mode: str) -> None:
    with Path(path).open(mode) as file:
        os.dup2(file.fileno(), stream.fileno())


if __name__ == "__main__":
    main = imported(*sys.argv[1:])
    for line in sys.stdin:
        asked = json.loads(line)
        answer = exit_status(asked) if isinstance(asked, int) else start(main, *asked)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
