"""What an agent is called after: the script or program that is run."""

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

_PYTHON: Final = re.compile(r"(python|pypy)[0-9.]*t?")
# https://docs.python.org/3/using/cmdline.html: these take an argument that may stand apart.
_WITH_ARGUMENT: Final = frozenset({"-W", "-X", "--check-hash-based-pycs"})
_LONGEST: Final = 120


def name_of(command: Sequence[str]) -> str:
    """The script that Python runs, else the program; without folder and ending."""
    program = PurePath(command[0]).name
    if not _PYTHON.fullmatch(program):
        return PurePath(program).stem[:_LONGEST]
    script = _script(command[1:])
    return PurePath(script).stem[:_LONGEST] if script else program


def _script(arguments: Sequence[str]) -> str | None:
    rest = iter(arguments)
    for argument in rest:
        if argument in _WITH_ARGUMENT:
            next(rest, None)
        elif argument == "-m":
            # Of a package's module only the last part would have a file.
            return next(rest, "").removesuffix(".__main__").rpartition(".")[2] or None
        elif argument in ("-c", "-"):
            return None
        elif not argument.startswith("-"):
            return argument
    return None
