"""The `pulseguard` command and the import of the package."""

import os
import subprocess
import sys
from pathlib import Path

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


NOWHERE = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        ("doctor", "--registry-url", NOWHERE),
        ("doctor", "--json", "--registry-url", NOWHERE),
        ("status", "--json", "--registry-url", NOWHERE, "--prometheus-url", NOWHERE),
    ],
)
def test_a_reader_that_has_gone_ends_it_quietly(arguments: tuple[str, ...], tmp_path: Path) -> None:
    ran = without_reader("-m", "pulseguard.command", *arguments, data_dir=tmp_path)

    assert ran.returncode == 141
    assert "Error" not in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_reader_that_has_gone_ends_the_table_in_the_same_way(tmp_path: Path) -> None:
    table = (
        "import types\n"
        "from pulseguard import command\n"
        "from pulseguard_stack.status.command import _console\n"
        "verb = types.SimpleNamespace(main=lambda argv: _console(wide=False).print('coder'))\n"
        "command.importlib.import_module = lambda name: verb\n"
        "raise SystemExit(command.main(['status']))"
    )

    ran = without_reader("-c", table, data_dir=tmp_path)

    assert (ran.returncode, ran.stderr) == (141, "")


def test_ctrl_c_while_a_verb_is_imported_ends_it_quietly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "interrupted_verb.py").write_text("import signal; signal.raise_signal(2)")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(command, "VERBS", {"sync": command.Verb("interrupted_verb", None, "")})

    assert command.main(["sync"]) == 130


def without_reader(*arguments: str, data_dir: Path) -> subprocess.CompletedProcess[str]:
    """Python, writing into a pipe that nobody reads."""
    # Unbuffered, argparse itself passes over the error.
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.run(
            [sys.executable, *arguments],
            env={**variables, "PULSEGUARD_DATA_DIR": str(data_dir)},
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writer)


def imported(*modules: str) -> set[str]:
    """What a process has imported that imports these."""
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    return set(subprocess.check_output([sys.executable, "-c", code], text=True).split())


def test_the_import_is_light() -> None:
    heavy = {"asyncio", "openai", "fastapi", "pydantic", "sqlalchemy", "opentelemetry", "yaml"}

    assert heavy & imported("pulseguard") == set()


def test_up_and_down_do_not_wait_for_what_only_a_registry_needs() -> None:
    verbs = imported("pulseguard_stack.runner.up", "pulseguard_stack.runner.down")

    assert {"fastapi", "pydantic", "sqlalchemy"} & verbs == set()
