"""The documents: complete where they claim to be, and without broken links."""

import argparse
import inspect
import re
from pathlib import Path

import pytest

from pulseguard.command import VERBS
from pulseguard.settings import Settings as ExporterSettings
from pulseguard_prometheus import settings as sync_settings
from pulseguard_prometheus.notification import settings as notification_settings
from pulseguard_registry.settings import Settings as RegistrySettings
from pulseguard_stack.runner.settings import read_up_settings

REPOSITORY = Path(__file__).parents[1]
DOCUMENTS = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")]


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
