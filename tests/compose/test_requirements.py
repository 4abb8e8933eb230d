"""What the images install: locked by hash, and what pyproject.toml asks for."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement

from tests.compose.compose_file import REPOSITORY

LOCKS = REPOSITORY / "docker" / "requirements"
DOCKERFILE = (REPOSITORY / "docker" / "Dockerfile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
OF_AGENTS = PROJECT["project"]["dependencies"]
ASKED = {
    "agent": OF_AGENTS,
    "demo": [*OF_AGENTS, *EXTRAS["demo"], *EXTRAS["cost"]],
    "registry": [*OF_AGENTS, *EXTRAS["registry"]],
    "sync": [*OF_AGENTS, *EXTRAS["sync"]],
    "build": PROJECT["build-system"]["requires"],
}


def locked(name: str) -> dict[str, str]:
    """The versions of a lock by their projects."""
    text = (LOCKS / f"{name}.txt").read_text(encoding="utf-8")
    found = re.findall(r"^([a-z0-9-]+)==([^ ;]+)", text, re.MULTILINE)
    return dict(found)


@pytest.mark.parametrize("name", ASKED)
def test_a_lock_has_what_is_asked_for_in_a_version_that_is_wanted(name: str) -> None:
    versions = locked(name)

    for asked in map(Requirement, ASKED[name]):
        assert asked.specifier.contains(versions[asked.name]), asked


@pytest.mark.parametrize("name", ASKED)
def test_each_of_a_lock_is_pinned_by_hash_and_comes_from_the_index(name: str) -> None:
    text = (LOCKS / f"{name}.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?! )", text.replace("\\\n", "\n ").strip())

    assert len(entries) == len(locked(name))
    for entry in entries:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry
    assert "://" not in text


def test_two_locks_agree_on_what_both_have() -> None:
    versions: dict[str, set[str]] = {}
    for name in ASKED:
        for project, version in locked(name).items():
            versions.setdefault(project, set()).add(version)

    assert {project for project, found in versions.items() if len(found) > 1} == set()


def test_there_is_no_lock_that_nothing_uses() -> None:
    assert {file.stem for file in LOCKS.iterdir()} == ASKED.keys()
    made = set(re.findall(r"docker/environment made (\w+)", DOCKERFILE))
    assert made == ASKED.keys() - {"build"}


def test_the_image_of_sync_has_nothing_of_the_registrys() -> None:
    stage = DOCKERFILE.split("FROM bare AS sync\n")[1].split("\nFROM ")[0]

    assert re.findall(r"COPY --from=(\S+) /opt/pulseguard ", stage) == ["sync-files"]
    assert locked("sync").keys() == {"psutil", "pyyaml"}
