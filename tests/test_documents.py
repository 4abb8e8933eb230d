"""The documents: complete where they claim to be, and without broken links."""

import argparse
import inspect
import re
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from pulseguard.command import VERBS, main
from pulseguard.settings import Settings as ExporterSettings
from pulseguard_prometheus import settings as sync_settings
from pulseguard_prometheus.notification import settings as notification_settings
from pulseguard_registry.settings import Settings as RegistrySettings
from pulseguard_stack.runner.settings import read_up_settings

REPOSITORY = Path(__file__).parents[1]
DOCUMENTS = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")]
WITH_COMMANDS = [*DOCUMENTS, REPOSITORY / "exporters" / "README.md"]


def section(name: str) -> str:
    """The part of docs/settings.md under this heading."""
    text = (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")
    return text.split(f"## {name}\n")[1].split("\n## ")[0]


def variables(text: str) -> set[str]:
    return set(re.findall(r"`((?:PULSEGUARD|DATABASE)_[A-Z_]+)`", text))


def test_every_setting_of_the_exporter_is_documented_and_no_other() -> None:
    names = {f"PULSEGUARD_{name.upper()}" for name in ExporterSettings._fields}

    assert variables(section("Exporter")) == names


def test_every_setting_of_the_registry_is_documented_and_no_other() -> None:
    names = {
        str(field.validation_alias or f"PULSEGUARD_{name.upper()}")
        for name, field in RegistrySettings.model_fields.items()
    }

    assert variables(section("Registry")) == names


def test_every_setting_of_sync_is_documented_and_no_other() -> None:
    parser: argparse.ArgumentParser = sync_settings._parser()
    flags = {flag for action in parser._actions for flag in action.option_strings}
    documented = section("Sync")

    assert set(re.findall(r"`(--[a-z-]+)`", documented)) == flags - {"-h", "--help"}
    assert variables(documented) == set(re.findall(r"PULSEGUARD_[A-Z_]+", parser.format_help()))


def test_every_setting_of_receivers_is_documented_and_no_other() -> None:
    source = inspect.getsource(notification_settings.read_notification_settings)
    source += inspect.getsource(notification_settings._mail_server)

    assert variables(section("Receivers")) == set(re.findall(r'"(PULSEGUARD_[A-Z_]+)"', source))


def test_every_flag_of_make_up_is_documented_and_no_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        read_up_settings(["--help"], {})
    flags = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))

    assert set(re.findall(r"`(--[a-z-]+)`", section("`make up`"))) == flags - {"--help"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_into_the_repository_leads_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\((?!http)([^)#]+)", document.read_text(encoding="utf-8"))

    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = re.findall(r"`((?:exporters|registry|prometheus|stack|tests|docs)/[\w./]+\.\w+)`", text)
    made_by_users = {"prometheus/targets/agents.json", "prometheus/secrets/prometheus.key"}

    assert [n for n in named if n not in made_by_users and not (REPOSITORY / n).exists()] == []


def commands(text: str) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """Each `pulseguard …` that a document has as code: the words it begins with, and its flags."""
    lines = re.findall(r"^(?: {4}|pulseguard ).*$", text.replace("\\\n", " "), re.MULTILINE)
    for code in [*lines, *re.findall(r"`([^`\n]+)`", text)]:
        # In a container of its own: the service comes between.
        code = code.replace("--entrypoint pulseguard registry", "pulseguard")
        found = re.match(r"(?:.*[\s/])?pulseguard((?: [a-z][a-z-]*)+)(.*)", code.strip())
        if found:
            given = re.split(" -- | # |[|;&>)]", found[2])[0]
            yield tuple(found[1].split()), set(re.findall(r"(?<=\s)--[a-z0-9-]+", given))


def flags_of(words: tuple[str, ...]) -> set[str]:
    """What the help of this command knows; it has to be a command."""
    said, refused = StringIO(), StringIO()
    with redirect_stdout(said), redirect_stderr(refused), pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0, (words, refused.getvalue())
    return set(re.findall(r"--[a-z0-9-]+", said.getvalue()))


@pytest.mark.parametrize(
    "document", WITH_COMMANDS, ids=lambda path: str(path.relative_to(REPOSITORY))
)
def test_every_command_that_a_document_shows_is_one_with_these_flags(document: Path) -> None:
    for words, flags in commands(document.read_text(encoding="utf-8")):
        assert flags <= flags_of(words), words


def test_everything_in_scope_is_there() -> None:
    text = (REPOSITORY / "docs" / "scope.md").read_text(encoding="utf-8")
    rows = [row.split("|")[2] for row in text.split("\n## ")[0].splitlines() if "`" in row]
    named = {name for row in rows for name in re.findall("`([^`]+)`", row)}
    targets = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    routes = (REPOSITORY / "docs" / "openapi.json").read_text(encoding="utf-8")

    assert len(rows) > 20
    for name in named:
        program, _, rest = name.partition(" ")
        if program == "make":
            assert rest in targets, name
        elif program == "pulseguard":
            assert rest.split()[0] in VERBS, name
        else:
            assert (REPOSITORY / name).exists(), name
    for path in re.findall(r"^\| `(/api/[^`]+)` \|", text, re.MULTILINE):
        assert f'"{path.replace("{id}", "{agent_id}")}"' in routes, path
