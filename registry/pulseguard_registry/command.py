"""`pulseguard registry`: serves the registry."""

from __future__ import annotations

import argparse
import gc
import logging
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

import uvicorn

from pulseguard_registry.access.given_files import GivenFiles
from pulseguard_registry.embedded import DATA_FOLDER, EmbeddedPostgres, check_folder
from pulseguard_registry.errors import ConfigurationError, RegistryError
from pulseguard_registry.logs import configure_logs
from pulseguard_registry.own_answer import answer_watchdog
from pulseguard_registry.patience import patient_protocol
from pulseguard_registry.secrets_folder import open_folder, read_pepper
from pulseguard_registry.settings import Settings, read_settings

log = logging.getLogger("pulseguard.registry")


def main(argv: Sequence[str]) -> int:
    """Run a verb of `pulseguard registry`; returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        settings = read_settings(host=arguments.host, port=arguments.port)
        configure_logs(settings.log_format, settings.log_level)
        return serve(settings, new_admin_key=arguments.new_admin_key)
    except RegistryError as error:
        sys.stderr.write(f"pulseguard registry: {error}\n")
        return 2 if isinstance(error, ConfigurationError) else 1


def serve(settings: Settings, *, new_admin_key: bool = False) -> int:
    """Serve until a signal comes; 1 where a defect of ours ended it."""
    settings.check_reach()
    if new_admin_key and settings.gives_admin_key:
        raise ConfigurationError(
            "--new-admin-key: PULSEGUARD_GIVEN_KEYS gives the admin key; write another one into"
            " its file instead"
        )
    ending = _Ending()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, ending)
    with ExitStack() as stack:
        listener = stack.enter_context(_listen(settings.host, settings.port))
        url = settings.resolved_database_url()
        if url is None:
            check_folder(settings.data_dir / DATA_FOLDER)
        else:
            from pulseguard_registry.database.diagnosis import place_of

            place_of(url)
        given_files = GivenFiles(settings.given_keys)
        folder = open_folder(settings)
        pepper = read_pepper(settings, folder)
        # Imported here, for it takes a second: what is wrong with a setting is told without it.
        with _nothing_collected():
            from pulseguard_registry.app import create_app

        embedded: EmbeddedPostgres | None = None
        if url is None:
            embedded = EmbeddedPostgres(settings.data_dir)
            stack.callback(embedded.stop)
            with ending.held():
                url = embedded.start()
        app = create_app(
            settings,
            url,
            pepper,
            folder,
            embedded,
            given_files=given_files,
            new_admin_key=new_admin_key,
        )
        host, port = listener.getsockname()[:2]
        log.info("listening on http://%s:%d", f"[{host}]" if ":" in host else host, port)
        server = uvicorn.Server(_server_config(app, settings))
        if settings.watchdog == "on":
            watchdog = answer_watchdog(server, listener)
            watchdog.start()
            stack.callback(watchdog.stop)
        with suppress(_Asked):
            server.run(sockets=[listener])
        return 0 if app.state.failure is None else 1
    return 0


class _Asked(SystemExit):
    """A signal asked for the end."""


class _Ending:
    """What SIGTERM and SIGINT do: unwind, so that what was started is stopped.

    uvicorn stops on them and then raises them again; the default would kill us there.
    """

    def __init__(self) -> None:
        self._is_held = False
        self._is_asked = False

    def __call__(self, *_: object) -> None:
        if not self._is_held:
            raise _Asked(0)
        self._is_asked = True

    @contextmanager
    def held(self) -> Iterator[None]:
        """Put the end off while something is half started, and could not be stopped."""
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
        if self._is_asked:
            raise _Asked(0)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Import an eighth faster: nothing of it is garbage, now or later."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()


def _server_config(app: object, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # FastAPI is an ASGI application
        http=patient_protocol(settings.request_seconds),
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
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "this is no host name"
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {reason}; choose another address with"
            " --host and --port (PULSEGUARD_HOST, PULSEGUARD_PORT), or stop what listens there"
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
    verb.add_argument(
        "--new-admin-key", action="store_true", help="make an admin key and write it to its file"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
