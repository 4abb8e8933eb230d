"""What these tests share: a folder for the README's files, and a PATH that has its commands."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.group.programs import Programs, programs_in


@pytest.fixture
def programs(tmp_path: Path, registry: FakeRegistry) -> Iterator[Programs]:
    with programs_in(tmp_path) as programs:
        programs.environment |= {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "PULSEGUARD_REGISTRY_URL": registry.url,
        }
        yield programs
