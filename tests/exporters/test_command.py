"""The `pulseguard` command and the import of the package."""

import subprocess
import sys

import pytest

from pulseguard import __version__, command


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out == f"pulseguard {__version__}\n"


def test_an_unknown_verb_is_told_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["fly"])

    assert ended.value.code == 2
    assert "registry" in capsys.readouterr().err


def test_a_verb_gets_its_arguments(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "VERBS", {"count": command.Verb("tests.exporters.verb", None, "")})

    status = command.main(["count", "--help", "x"])

    assert status == 2
    assert capsys.readouterr().out == "['--help', 'x']\n"


@pytest.mark.parametrize("verb", ["registry", "simulated-model-server"])
def test_a_missing_extra_is_named(verb: str) -> None:
    extra = command.VERBS[verb].extra
    block = (
        "import sys; sys.modules.update(dict.fromkeys("
        "['fastapi', 'starlette', 'uvicorn', 'sqlalchemy', 'pydantic', 'openai'], None));"
    )
    ran = subprocess.run(
        [sys.executable, "-c", f"{block} from pulseguard.command import main; main(['{verb}'])"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert f'install the extra "{extra}" of pulseguard-monitor' in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_the_import_is_light() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys, pulseguard; print(*sorted(sys.modules))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()

    heavy = {"asyncio", "openai", "fastapi", "pydantic", "sqlalchemy", "opentelemetry", "yaml"}
    assert heavy & set(told) == set()
