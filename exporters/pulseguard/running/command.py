"""`pulseguard run`: runs any program as an agent, with no line of PulseGuard in it."""

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import Final, get_args

from pulseguard.description import AgentType
from pulseguard.running.errors import CannotStart
from pulseguard.running.name import name_of
from pulseguard.running.program import Program
from pulseguard.running.run import LIBRARIES
from pulseguard.running.signals import Reception, end_alike

_NONE: Final = "none"


def main(argv: Sequence[str]) -> int:
    """Run the program; its exit status, or the end by the same signal.

    127 where there is no such program, 126 where it is none that can be started, 2 for a flag that
    cannot be used.
    """
    given = _parser().parse_args(argv)
    command: list[str] = given.command[1:] if given.command[:1] == ["--"] else given.command
    fault = _fault(command)
    if fault:
        sys.stderr.write(f"pulseguard run: {fault}\n")
        return 2
    reception = Reception()
    program = Program(command, reception.mask)
    # Only now: a process with threads had better not fork, and the program can wait for us.
    from pulseguard.running.supervision import Wishes, supervise

    wishes = Wishes(
        given.name or name_of(command),
        given.version,
        given.type,
        given.team,
        given.environment,
        given.instance,
        given.instrument,
    )
    try:
        return end_alike(supervise(program, reception, wishes))
    except CannotStart as error:
        sys.stderr.write(f"pulseguard run: {error}\n")
        return error.status


def _fault(command: Sequence[str]) -> str | None:
    if not command:
        return "say what to run: pulseguard run -- python agent.py"
    if not hasattr(signal, "sigtimedwait"):
        return "this system does not tell who sends a signal (sigtimedwait), which it needs"
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pulseguard run",
        usage="%(prog)s [option …] -- COMMAND [ARGUMENT …]",
        description="Runs any program as an agent: its process tree is measured, and in Python the"
        " calls of its client libraries. Signals and the exit status pass through.",
    )
    parser.add_argument("--name", help="of the agent; that of the script or program if left out")
    parser.add_argument("--version", default="", help="of the agent")
    parser.add_argument("--team", help="PULSEGUARD_TEAM")
    parser.add_argument("--environment", help="PULSEGUARD_ENVIRONMENT (production)")
    parser.add_argument("--instance", help="PULSEGUARD_INSTANCE (host name and slot)")
    parser.add_argument("--type", choices=get_args(AgentType), default="LLM_AGENT")
    parser.add_argument(
        "--instrument",
        type=_libraries,
        default=LIBRARIES,
        metavar="LIBRARY,…",
        help=f"client libraries to measure ({','.join(LIBRARIES)}), or none",
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _libraries(text: str) -> tuple[str, ...]:
    names = () if text == _NONE else tuple(each.strip() for each in text.split(","))
    unknown = [name for name in names if name not in LIBRARIES]
    if unknown:
        known = ", ".join((*LIBRARIES, _NONE))
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)} is unknown: give {known}")
    return names
