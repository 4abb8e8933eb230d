"""A real client of the simulated server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from anthropic import Anthropic

from tests.stack.conftest import ModelServer


@pytest.fixture
def claude(server: ModelServer) -> Iterator[Anthropic]:
    """A client of the common server that does not retry."""
    with Anthropic(base_url=server.url, api_key="none", max_retries=0, timeout=5) as opened:
        yield opened
