"""The verbs of an operator, run as a terminal would."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import pytest

from pulseguard.command import main
from tests.registry.conftest import new_database
from tests.registry.process import RegistryProcess, registry_process
from tests.registry.running import eventually

SETTINGS = (
    "DATABASE_URL",
    "PULSEGUARD_DATA_DIR",
    "PULSEGUARD_PEPPER",
    "PULSEGUARD_PORT",
    "PULSEGUARD_REGISTRY_URL",
    "XDG_STATE_HOME",
    "COLUMNS",
)


class Done(NamedTuple):
    """Exit status, and what was written where."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        """What was written, as JSON."""
        assert self.status == 0, self.err
        return json.loads(self.out)


class Run(Protocol):
    """`pulseguard` with these arguments and settings."""

    def __call__(self, *arguments: str, **settings: str) -> Done: ...


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a verb within this process: its import takes longer than all that it does."""

    def run(*arguments: str, **settings: str) -> Done:
        for name in SETTINGS:
            monkeypatch.delenv(name, raising=False)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        return Done(main(arguments), *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def served(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryProcess]:
    """A registry that listens."""
    with (
        new_database(postgres) as url,
        registry_process(tmp_path_factory.mktemp("served"), url) as one,
    ):
        eventually(one.is_ready)
        yield one


@pytest.fixture
def settings(served: RegistryProcess) -> Mapping[str, str]:
    """What an operator on the machine of that registry has set."""
    return {
        "PULSEGUARD_REGISTRY_URL": served.url,
        "PULSEGUARD_DATA_DIR": str(served.data_dir),
    }
