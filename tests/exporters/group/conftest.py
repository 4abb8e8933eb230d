"""What the tests of several processes share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exporters.group.programs import Programs, programs_in


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    with programs_in(tmp_path) as found:
        yield found
