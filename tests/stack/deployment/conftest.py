"""Hosts on which the deployment's scripts run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.stack.deployment.host import Host


@pytest.fixture
def fresh(tmp_path: Path) -> Host:
    """A host with a fresh clone."""
    host = Host(tmp_path / "host")
    host.clone()
    return host


@pytest.fixture(scope="session")
def _prepared(tmp_path_factory: pytest.TempPathFactory) -> Host:
    host = Host(tmp_path_factory.mktemp("prepared"))
    host.clone()
    host.make("secrets")
    return host


@pytest.fixture
def host(_prepared: Host, tmp_path: Path) -> Host:
    """A host on which `make secrets` has run."""
    shutil.copytree(_prepared.folder, tmp_path / "prepared", symlinks=True)
    return Host(tmp_path / "prepared")
