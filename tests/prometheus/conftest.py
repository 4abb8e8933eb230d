"""A sync that is not started yet, and a registry for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.prometheus.fakes import FLEET, FakeServer, fake_server, list_reply
from tests.prometheus.sync_process import SyncProcess


@pytest.fixture
def sync(tmp_path: Path) -> Iterator[SyncProcess]:
    sync = SyncProcess(tmp_path)
    yield sync
    sync.kill()


@pytest.fixture
def registry() -> Iterator[FakeServer]:
    with fake_server(list_reply(*FLEET, etag='"1"')) as server:
        yield server
