"""What all tests share: how they are run, and that they know nothing of a stack on this machine."""

import gc
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.worker_queues import TwoQueues

_WEIGHT_OF_MANY = -5
_USUAL: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGHUP: signal.SIG_DFL,
    signal.SIGQUIT: signal.SIG_DFL,
}


def pytest_configure() -> None:
    """Before any test is imported, for some of what it says is needed for that."""
    _hear_the_usual_signals()
    _trust_no_certificate()
    _weigh(_WEIGHT_OF_MANY)


def pytest_unconfigure() -> None:
    """After all of it."""
    _weigh(0)


def _weigh(nice: int) -> None:
    """Let all that this session starts have its part of the processors, where that is allowed.

    Linux shares them among sessions, not processes. Every component of a stack is a session of its
    own, and these tests with their servers are one together: beside a dozen that start at once, a
    database has been waiting for seconds.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        with suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(nice))


def _hear_the_usual_signals() -> None:
    """Those that `nohup` and a shell's `&` have their programs ignore, and theirs inherit."""
    if threading.current_thread() is threading.main_thread():
        for number, usual in _USUAL.items():
            if signal.getsignal(number) is signal.SIG_IGN:
                signal.signal(number, usual)


def _trust_no_certificate() -> None:
    """Nobody speaks TLS here, and to read the machine's takes each new client 50 ms.

    Only pip does, and finds them by itself, or where this variable says.
    """
    named = os.environ.pop("SSL_CERT_FILE", "")
    if named:
        os.environ.setdefault("PIP_CERT", named)
    os.environ["SSL_CERT_DIR"] = "/nonexistent"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no file for nothing, where only the few tests are wanted that run alone."""
    is_test = collection_path.match("test_*.py") and config.option.markexpr == "alone"
    return True if is_test and "mark.alone" not in collection_path.read_text() else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Import all test files, with all they test, before garbage is collected: a third faster."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> TwoQueues | None:
    """Share the files out between workers so that some compute while others wait."""
    return TwoQueues(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session", autouse=True)
def no_stack_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Else agents under test would register with a `make up` in another terminal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
