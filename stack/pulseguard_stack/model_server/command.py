"""The verb `pulseguard simulated-model-server`."""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from pulseguard_stack.model_server.application import Settings, make_application
from pulseguard_stack.model_server.connection import Connections
from pulseguard_stack.model_server.errors import BadSetting
from pulseguard_stack.model_server.exchange import Behaviour
from pulseguard_stack.model_server.faults import FaultRates
from pulseguard_stack.model_server.models import DEFAULT_MODELS, model_table, parse_model
from pulseguard_stack.model_server.prompt_cache import PromptCacheSettings
from pulseguard_stack.model_server.serving import serve
from pulseguard_stack.model_server.timing import Timing


def main(argv: Sequence[str]) -> int:
    """Serves until SIGTERM or SIGINT. Exit status 0; 2 for a setting that cannot be used."""
    arguments = _parser().parse_args(argv)
    try:
        settings = _settings(arguments)
        with ExitStack() as stack:
            path: Path | None = arguments.ledger
            file = stack.enter_context(path.open("a", encoding="utf-8")) if path else None
            listener = stack.enter_context(_listen(arguments.host, arguments.port))
            _announce(listener, settings.behaviour.seed)
            connections = Connections()
            serve(make_application(settings, connections, file), connections, listener)
    except (BadSetting, OSError) as error:
        sys.stderr.write(f"pulseguard simulated-model-server: {error}\n")
        return 2
    return 0


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise BadSetting(f"port is {port}: it must be 0 to 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise BadSetting(f"cannot listen on {host}:{port}: {error}") from error


def _announce(listener: socket.socket, seed: int) -> None:
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"
    sys.stdout.write(
        f"SIMULATION, no model behind it: simulated model server, {url}, seed {seed}\n"
    )
    sys.stdout.flush()


def _settings(arguments: argparse.Namespace) -> Settings:
    if not 0 <= arguments.right_share <= 1:
        raise BadSetting(f"right share is {arguments.right_share}: it must be 0 to 1")
    for name in ("stall_seconds", "retry_after_ms", "ledger_entries"):
        if not getattr(arguments, name) >= 0:
            raise BadSetting(f"{name} is {getattr(arguments, name)}: it must be 0 or more")
    return Settings(
        behaviour=_behaviour(arguments),
        models=model_table(parse_model(text) for text in arguments.model or DEFAULT_MODELS),
        prompt_cache=PromptCacheSettings(
            arguments.cache_minimum, arguments.cache_block, arguments.cache_blocks
        ),
        right_share=arguments.right_share,
        ledger_entries=arguments.ledger_entries,
    )


def _behaviour(arguments: argparse.Namespace) -> Behaviour:
    return Behaviour(
        seed=arguments.seed,
        timing=Timing(
            arguments.first_token_median,
            arguments.first_token_sigma,
            arguments.token_median,
            arguments.token_sigma,
            arguments.speed,
        ),
        rates=FaultRates(
            arguments.rate_429, arguments.rate_500, arguments.rate_timeout, arguments.rate_cut
        ),
        stall_seconds=arguments.stall_seconds,
        retry_after_ms=arguments.retry_after_ms,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pulseguard simulated-model-server",
        description="An OpenAI- and Anthropic-compatible server that SIMULATES a model.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=int, default=8089, help="0 takes a free one, told on the first line")
    add("--seed", type=int, default=0, help="what all randomness comes from")
    models = f"name[:window[:reasoning]], repeatable (default: {', '.join(DEFAULT_MODELS)})"
    add("--model", action="append", help=models, default=argparse.SUPPRESS)
    add("--right-share", type=float, default=0.9, help="share of known questions answered right")
    _add_timing(parser)
    _add_faults(parser)
    add("--cache-minimum", type=int, default=1024, help="tokens of the shortest cached prefix")
    add("--cache-block", type=int, default=128, help="tokens by which a cached prefix grows")
    add("--cache-blocks", type=int, default=100_000, help="blocks remembered")
    add("--ledger", type=Path, help="file to append each ledger entry to, as a line of JSON")
    add("--ledger-entries", type=int, default=100_000, help="entries kept in memory")
    parser.set_defaults(model=None)
    return parser


def _add_timing(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    timing = Timing()
    first, token = timing.first_token_median_seconds, timing.token_median_seconds
    add("--first-token-median", type=float, default=first, help="seconds; 0: no wait")
    add("--first-token-sigma", type=float, default=timing.first_token_sigma, help="of its log")
    add("--token-median", type=float, default=token, help="seconds per token; 0: no wait")
    add("--token-sigma", type=float, default=timing.token_sigma, help="of its logarithm")
    add("--speed", type=float, default=1.0, help="2 is twice as fast")


def _add_faults(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--rate-429", type=float, default=0.0, help="share of attempts refused with 429")
    add("--rate-500", type=float, default=0.0, help="share of attempts answered with 500")
    add("--rate-timeout", type=float, default=0.0, help="share of attempts that stall")
    add("--rate-cut", type=float, default=0.0, help="share of attempts cut half-way")
    add("--stall-seconds", type=float, default=600.0, help="how long a stall lasts at most")
    add("--retry-after-ms", type=int, default=50, help="what 429 and 500 tell the client to wait")
