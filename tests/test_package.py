"""The built wheel: a plain install is light, works, and says which extra a verb lacks."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest

from pulseguard.version import VERSION
from tests.test_architecture import ROOT, tracked_files

# The package of each folder.
PACKAGE_OF = {
    "exporters": "pulseguard",
    "registry": "pulseguard_registry",
    "prometheus": "pulseguard_prometheus",
    "grafana": "pulseguard_grafana",
    "stack": "pulseguard_stack",
}
PACKAGES = set(PACKAGE_OF.values())
CONFIGURATION = {".json", ".yml", ".yaml", ".tmpl"}
EXTRAS = {"registry", "embedded", "dashboards", "demo", "stack", "sync", "otel", "cost"}
# What would come along with the server: an agent's process must never meet it.
HEAVY = (
    "fastapi",
    "prometheus_client",
    "promql_parser",
    "sqlalchemy",
    "pydantic",
    "psycopg",
    "openai",
    "yaml",
    "uvicorn",
    "starlette",
    "rich",
)


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        # Away from the repository, whose folders must not help the installed package.
        cwd="/",
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def succeed(*command: str | Path, **environment: str) -> str:
    ended = run(*command, **environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def package_files() -> Iterator[tuple[Path, Path]]:
    """Every file of the packages in the source tree, under the name that it has in a wheel."""
    for folder, package in PACKAGE_OF.items():
        for here, below, names in os.walk(ROOT / folder / package, followlinks=True):
            below[:] = [each for each in below if each != "__pycache__"]
            for file in (Path(here) / name for name in names):
                yield file.relative_to(ROOT / folder), file


def contents(wheel: Path) -> dict[str, bytes]:
    """The files of the packages in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            name: archive.read(name)
            for name in archive.namelist()
            if name.partition("/")[0] in PACKAGES
        }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    succeed(*pip, "--wheel-dir", folder, ROOT)
    (wheel,) = folder.iterdir()
    return wheel


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """The programs of a fresh virtual environment with the plain install."""
    folder = tmp_path_factory.mktemp("light")
    # With a pip of its own it would take twice as long.
    venv.create(folder)
    succeed(*pip_for(folder / "bin"), "install", "--quiet", wheel)
    return folder / "bin"


def pip_for(programs: Path) -> tuple[str | Path, ...]:
    """Our pip, at work in another virtual environment."""
    return (sys.executable, "-m", "pip", "--python", programs / "python")


def test_a_plain_install_brings_the_agents_side_and_nothing_else(light):
    listed = json.loads(succeed(*pip_for(light), "list", "--format=json"))
    names = {each["name"].lower().replace("_", "-") for each in listed}

    assert names == {"psutil", "pulseguard-monitor"}


def test_a_plain_install_has_the_agent(light):
    said = succeed(light / "python", "-c", "import pulseguard; print(pulseguard.Agent.__name__)")

    assert said == "Agent\n"


def test_the_command_says_the_version_of_the_package(light):
    assert VERSION in succeed(light / "pulseguard", "--version")


@pytest.mark.parametrize(
    ("verb", "extra"),
    [
        (["registry", "serve"], "registry"),
        (["simulated-model-server"], "demo"),
        (["up"], "stack"),
        (["status"], "stack"),
        (["demo-agent", "coder"], "demo"),
        (["dashboards", "preview", "fleet"], "dashboards"),
    ],
)
def test_a_verb_whose_extra_is_missing_says_which(light, verb, extra):
    ended = run(light / "pulseguard", *verb)

    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    mend = line.partition("install")[2]
    assert extra in mend
    assert "pulseguard-monitor" in mend


def test_sync_needs_no_extra(light):
    assert "--targets-file" in succeed(light / "pulseguard", "sync", "--help")


def test_the_doctor_needs_no_extra(light):
    assert "usage: pulseguard doctor" in succeed(light / "pulseguard", "doctor", "--help")


def test_importing_the_agent_imports_nothing_heavy():
    # Here all of it is installed, so nothing but restraint keeps it out.
    code = f"import sys, pulseguard; print([n for n in {HEAVY!r} if n in sys.modules])"

    assert succeed(sys.executable, "-c", code) == "[]\n"


def test_the_wheel_holds_the_packages_and_names_the_extras(wheel):
    with zipfile.ZipFile(wheel) as archive:
        top = {name.partition("/")[0] for name in archive.namelist()}
        (described,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        metadata = message_from_bytes(archive.read(described))

    assert {name for name in top if not name.endswith(".dist-info")} == PACKAGES
    assert set(metadata.get_all("Provides-Extra", [])) == EXTRAS


def test_every_file_of_a_package_is_in_the_wheel_as_it_is(wheel):
    held = contents(wheel)

    assert held == {str(name): file.read_bytes() for name, file in package_files()}
    assert any(name.startswith("pulseguard_registry/migrations/versions/") for name in held)


def test_configuration_that_lies_beside_a_package_is_in_the_wheel_within_it(wheel):
    held = contents(wheel)
    beside = {
        f"{PACKAGE_OF[file.parts[0]]}/{file.relative_to(file.parts[0])}": (ROOT / file).read_bytes()
        for file in (found.relative_to(ROOT) for found in tracked_files())
        if file.parts[0] in PACKAGE_OF
        and file.parts[1] not in PACKAGES
        and file.suffix in CONFIGURATION
    }

    assert {name for name in beside if held.get(name) != beside[name]} == set()
    rules = "pulseguard_prometheus/rules"
    assert {f"{rules}/availability.yml", "pulseguard_prometheus/alertmanager.yml"} <= set(beside)


def test_every_package_says_that_it_is_typed(wheel):
    with zipfile.ZipFile(wheel) as archive:
        assert {f"{package}/py.typed" for package in PACKAGES} <= set(archive.namelist())


def test_the_configuration_of_prometheus_is_in_the_wheel(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "import sys, pulseguard_prometheus.configuration as c; "
        "sys.stdout.write(c.__file__ + '\\n' + c.shipped_configuration())"
    )

    where, text = succeed(sys.executable, "-c", code, PYTHONPATH=str(tmp_path)).split("\n", 1)

    assert Path(where).is_relative_to(tmp_path)
    assert text == (ROOT / "prometheus" / "prometheus.yml").read_text()


def test_the_source_distribution_has_no_secret_of_the_checkout(tmp_path):
    checkout = tmp_path / "checkout"
    for file in tracked_files():
        copy = checkout / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    for folder in ("secrets/registry", "prometheus/secrets"):
        (checkout / folder).mkdir(parents=True, exist_ok=True)
        (checkout / folder / "some.key").write_text("hush")

    succeed(sys.executable, "-m", "build", "--sdist", "--outdir", tmp_path, checkout)

    (packed,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        names = [Path(name).parts[1:] for name in archive.getnames()]
    assert ("stack", "pulseguard_stack", "deployment", "command.py") in names
    assert [name for name in names if "secrets" in name] == []
