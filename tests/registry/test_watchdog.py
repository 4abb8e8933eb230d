"""A registry that hangs ends by itself, so that whoever runs it starts it again; no other does."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from pulseguard.watchdog import HUNG
from pulseguard_registry import own_answer
from pulseguard_registry.own_answer import OwnAnswer
from tests.registry.hanging import HANG, PATIENCE_SECONDS, HangingRegistry
from tests.registry.process import registry_process
from tests.registry.running import eventually
from tests.server_folder import server_folder

ANSWER = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def hanging(folder: Path, database_url: str | None, **settings: str) -> Iterator[HangingRegistry]:
    """One that is ready, and hangs when it gets the signal; killed afterwards."""
    one = HangingRegistry(folder, database_url, 0, **settings)
    try:
        one.wait_until_it_listens()
        eventually(one.is_ready, 20)
        yield one
    finally:
        one.process.kill()
        one.process.wait()


def test_one_that_hangs_ends_with_the_stack_of_its_loop_and_the_next_has_its_database() -> None:
    with server_folder() as folder:
        with hanging(folder, None) as one:
            one.process.send_signal(HANG)

            assert one.process.wait(20) == HUNG
            *stacks, last_line = one.log().splitlines()
            assert f"{one.url}/api/v1/health has not answered since 20" in last_line
            hanging_stack = "\n".join(stacks).split(" in hang_in_the_loop")[1]
            assert "uvicorn/server.py" in hanging_stack

        with registry_process(folder, None) as again:
            eventually(again.is_ready, 20)
            assert again.get("/api/v1/keys", again.admin_key()).status == 200


def test_one_that_is_busy_lives_and_the_looks_at_it_disturb_nobody(
    tmp_path: Path, database_url: str
) -> None:
    with hanging(tmp_path, database_url, refused_rate_limit_per_second="1") as one:
        end = time.monotonic() + PATIENCE_SECONDS + 1
        asking = [threading.Thread(target=ask_until, args=[end, one.url]) for _ in range(10)]
        for each in asking:
            each.start()
        for each in asking:
            each.join()

        assert one.process.poll() is None
        # Whoever comes without a key was none of the one a second that may.
        assert one.get("/api/v1/agents", "wrong").status == 401
        assert "/api/v1/health" not in one.log().replace(f"{one.url}/api/v1/health/ready", "")
        one.process.terminate()
        assert one.process.wait(20) == 0
        assert "watchdog" not in one.log()


def ask_until(end: float, url: str) -> None:
    """One of a crowd."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=10)
    while time.monotonic() < end:
        connection.request("GET", "/api/v1/openapi.json")
        connection.getresponse().read()
    connection.close()


def test_one_that_was_stopped_for_long_and_goes_on_is_not_ended(
    tmp_path: Path, database_url: str
) -> None:
    with hanging(tmp_path, database_url) as one:
        one.process.send_signal(signal.SIGSTOP)
        time.sleep(PATIENCE_SECONDS + 1)
        one.process.send_signal(signal.SIGCONT)
        time.sleep(1)

        assert one.process.poll() is None
        assert one.is_ready()


def test_with_the_watchdog_off_it_hangs_on(tmp_path: Path, database_url: str) -> None:
    with hanging(tmp_path, database_url, watchdog="off") as one:
        one.process.send_signal(HANG)
        time.sleep(PATIENCE_SECONDS + 1)

        assert one.process.poll() is None


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[socket.socket]:
    """What serves each connection in this way, one after the other."""

    def serve_all() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve_all, daemon=True)
        thread.start()
        try:
            yield listener
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize(
    "said",
    [ANSWER, ANSWER.replace(b"503 Service Unavailable", b"200 OK"), b"", b"none of our language"],
    ids=["503", "200", "cut off", "no HTTP"],
)
def test_whatever_a_server_says_shows_that_it_does_not_hang(said: bytes) -> None:
    heard = [ANSWER, said]

    with listening(lambda connection: connection.sendall(heard.pop(0))) as listener:
        answer = OwnAnswer(listener, is_ending=lambda: False)

        assert [answer.goes_on(), answer.goes_on()] == [True, True]


def test_silence_counts_from_the_first_answer_until_it_is_asked_to_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(own_answer, "ANSWER_SECONDS", 0.2)
    may_answer, is_ending = [False], [False]

    def serve(connection: socket.socket) -> None:
        if may_answer[0]:
            connection.sendall(ANSWER)
        else:
            # Until the client has gone.
            while connection.recv(1000):
                pass

    with listening(serve) as listener:
        answer = OwnAnswer(listener, is_ending=lambda: is_ending[0])

        assert answer.goes_on()
        may_answer[0] = True
        assert answer.goes_on()
        may_answer[0] = False
        assert not answer.goes_on()
        is_ending[0] = True
        assert answer.goes_on()


@pytest.mark.parametrize(
    ("host", "asked"),
    [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("127.0.0.3", "127.0.0.3")],
)
def test_it_is_asked_where_it_listens(host: str, asked: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        answer = OwnAnswer(listener, is_ending=lambda: False)

        assert answer.url == f"http://{asked}:{listener.getsockname()[1]}/api/v1/health"
