"""The `pulseguard` command: a table of verbs, each in a module that is imported when asked for."""

import argparse
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from pulseguard.version import installed_version

Main = Callable[[Sequence[str]], int]


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
        "pulseguard_stack.model_server.command", "stack", "a model server for trials, simulated"
    ),
    "up": Verb("pulseguard_stack.runner.up", "stack", "the whole stack on this machine"),
    "down": Verb("pulseguard_stack.runner.down", "stack", "stop what up runs"),
    "status": Verb("pulseguard_stack.status.command", "stack", "the fleet as it is now"),
    "doctor": Verb("pulseguard.doctor.command", None, "which link to your agent is broken"),
    "demo-agent": Verb("pulseguard_stack.demo.command", "stack", "one agent of the demo fleet"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb with the rest of the arguments; its exit status, or 2 where it cannot run."""
    arguments = _parser().parse_args(argv)
    verb = VERBS[arguments.verb]
    try:
        module = importlib.import_module(verb.module)
    except ImportError as error:
        return _missing(arguments.verb, verb, error)
    run = cast(Main, module.main)
    return run(arguments.arguments)


def _parser() -> argparse.ArgumentParser:
    verbs = "\n".join(f"  {name:24}{verb.help}" for name, verb in VERBS.items())
    parser = argparse.ArgumentParser(
        prog="pulseguard",
        description="Observability for fleets of AI and LLM agents.",
        epilog=f"verbs:\n{verbs}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pulseguard {installed_version()}")
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
