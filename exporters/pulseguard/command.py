"""The `pulseguard` command: a table of verbs, each in a module that is imported when asked for."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from pulseguard.version import VERSION

Main = Callable[[Sequence[str]], int]

# What a shell tells of a program that a signal has ended: 128 + SIGINT, 128 + SIGPIPE.
INTERRUPTED: Final = 130
NOBODY_READS: Final = 141


@dataclass(frozen=True)
class Verb:
    """Where a verb lives, and the extra that brings what it needs."""

    module: str
    extra: str | None
    help: str


VERBS: Final[Mapping[str, Verb]] = {
    "registry": Verb("pulseguard_registry.command", "registry", "the server that knows the fleet"),
    "sync": Verb("pulseguard_prometheus.command", None, "what runs beside Prometheus"),
    "simulated-model-server": Verb(
        "pulseguard_stack.model_server.command", "demo", "a model server for trials, simulated"
    ),
    "up": Verb("pulseguard_stack.runner.up", "stack", "the whole stack on this machine"),
    "down": Verb("pulseguard_stack.runner.down", "stack", "stop what up runs"),
    "status": Verb("pulseguard_stack.status.command", "stack", "the fleet as it is now"),
    "dashboards": Verb(
        "pulseguard_grafana.command", "dashboards", "what the dashboards show, without Grafana"
    ),
    "agents": Verb("pulseguard_registry.operating.agents", "registry", "the inventory of agents"),
    "alerts": Verb(
        "pulseguard_registry.operating.alerts", "registry", "what fires, whom it reaches"
    ),
    "rules": Verb("pulseguard_registry.operating.rules", "registry", "alert rules as data"),
    "keys": Verb("pulseguard_registry.operating.keys", "registry", "who may use the registry"),
    "db": Verb("pulseguard_registry.operating.schema", "registry", "the registry's schema"),
    "backup": Verb("pulseguard_registry.operating.backup", "registry", "the registry into a file"),
    "restore": Verb("pulseguard_registry.operating.restore", "registry", "and out of it again"),
    "run": Verb("pulseguard.running.command", None, "any program, observed as an agent"),
    "doctor": Verb("pulseguard.doctor.command", None, "which link to your agent is broken"),
    "demo-agent": Verb("pulseguard_stack.demo.command", "demo", "one agent of the demo fleet"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb with the rest of the arguments; its exit status, or 2 where it cannot run.

    130 after a Ctrl-C that the verb leaves to us, 141 where nobody reads what it writes.
    """
    try:
        try:
            return _run(argv)
        finally:
            # Here, since at the interpreter's end a reader that has gone is an error message.
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        _write_to_nobody()
        return NOBODY_READS
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(argv: Sequence[str] | None) -> int:
    arguments = _parser().parse_args(argv)
    verb = VERBS[arguments.verb]
    try:
        module = importlib.import_module(verb.module)
    except ImportError as error:
        return _missing(arguments.verb, verb, error)
    run = cast(Main, module.main)
    return run(arguments.arguments)


def _write_to_nobody() -> None:
    # What is still in the buffer has to go somewhere when the interpreter ends.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _parser() -> argparse.ArgumentParser:
    verbs = "\n".join(f"  {name:24}{verb.help}" for name, verb in VERBS.items())
    parser = argparse.ArgumentParser(
        prog="pulseguard",
        description="Observability for fleets of AI and LLM agents.",
        epilog=f"verbs:\n{verbs}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pulseguard {VERSION}")
    parser.add_argument("verb", choices=VERBS, metavar="verb", help="what to do, see below")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="see pulseguard <verb> --help")
    return parser


def _missing(name: str, verb: Verb, error: ImportError) -> int:
    missing = (error.name or "").partition(".")[0]
    # Our own modules come with the distribution: that is a fault, not a missing extra.
    if verb.extra is None or not missing or missing.startswith("pulseguard"):
        raise error
    sys.stderr.write(
        f"pulseguard {name}: {missing} is missing; "
        f'install the extra "{verb.extra}" of pulseguard-monitor\n'
    )
    return 2


if __name__ == "__main__":
    sys.exit(main())
