"""Stacks for tests, ended whatever happens."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.server_folder import server_folder
from tests.stack.runner.running import Stack


@contextmanager
def a_stack() -> Iterator[Stack]:
    with server_folder() as folder:
        stack = Stack(folder)
        try:
            yield stack
        finally:
            stack.run("down")


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
