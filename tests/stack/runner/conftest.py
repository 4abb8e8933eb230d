"""Stacks for tests, ended whatever happens."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.stack.runner.running import Stack


@contextmanager
def a_stack() -> Iterator[Stack]:
    # Not pytest's folder: as root, PostgreSQL runs as its own user, who may not enter that.
    folder = Path(tempfile.mkdtemp(prefix="pulseguard-tests-"))
    stack = Stack(folder)
    try:
        yield stack
    finally:
        stack.run("down")
        shutil.rmtree(folder)


@pytest.fixture
def stack() -> Iterator[Stack]:
    with a_stack() as stack:
        yield stack


@pytest.fixture(scope="module")
def fleet() -> Iterator[Stack]:
    """A stack that runs, with its five agents; for tests that leave it healthy."""
    with a_stack() as stack:
        started = stack.up()
        assert started.returncode == 0, started.stdout + started.stderr
        yield stack
