"""`pulseguard rules preview` of rules that are refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.registry.operating.conftest import Run

FILE = """\
groups:
  - name: some
    rules:
      - {{alert: First, expr: up == 0, for: {0}}}
      - {{alert: Second, expr: up == 0, for: {1}}}
"""


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_each_rule_that_is_refused_is_told(
    run: Run, settings: Mapping[str, str], tmp_path: Path, more: tuple[str, ...]
):
    file = tmp_path / "some.yml"
    file.write_text(FILE.format("soon", "never"))

    done = run("rules", "preview", "-f", str(file), *more, **settings)

    first, second, last = done.err.splitlines()
    assert done.status == 1
    assert first.startswith("First: ")
    assert second.startswith("Second: ")
    assert "for: " in first
    assert last == "pulseguard rules: of 2 rules 2 cannot be previewed"


def test_a_registry_that_has_no_prometheus_to_ask_is_asked_once(
    run: Run, settings: Mapping[str, str], tmp_path: Path
):
    file = tmp_path / "some.yml"
    file.write_text(FILE.format("5m", "5m"))

    done = run("rules", "preview", "-f", str(file), **settings)

    assert done.status == 1
    assert "PULSEGUARD_PROMETHEUS_URL" in done.err.splitlines()[-1]
    assert "Second" not in done.err


def test_a_file_that_is_not_there_has_no_line(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    missing = tmp_path / "missing.yml"

    with pytest.raises(SystemExit):
        run("rules", "check", "-f", str(missing))
    checked = capsys.readouterr().err
    preview = run("rules", "preview", "-f", str(missing)).err

    assert checked == f"{missing}: error: there is no such file or folder\n"
    assert f"{missing}: there is no such file or folder" in preview
