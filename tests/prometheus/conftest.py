"""A sync that is not started yet, a registry for it, and files of secrets."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.prometheus.fakes import FLEET, FakeServer, fake_server, list_reply
from tests.prometheus.sync_process import SyncProcess

Secret = Callable[[str, str], str]


@pytest.fixture
def sync(tmp_path: Path) -> Iterator[SyncProcess]:
    sync = SyncProcess(tmp_path)
    yield sync
    sync.kill()


@pytest.fixture
def registry() -> Iterator[FakeServer]:
    with fake_server(list_reply(*FLEET, etag='"1"')) as server:
        yield server


@pytest.fixture
def secret(tmp_path: Path) -> Secret:
    """Writes the file of a secret and answers its name."""

    def write(name: str, text: str) -> str:
        path = tmp_path / name
        path.write_text(f"{text}\n")
        return str(path)

    return write
