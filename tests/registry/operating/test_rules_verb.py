"""`pulseguard rules`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pulseguard_registry.operating.reach import Registry
from tests.registry.operating.conftest import Done, Run
from tests.registry.process import RegistryProcess
from tests.registry.running import eventually

OWNED = ("--owner", "team")
FILE = """\
groups:
  - name: {name}
    rules:
      - alert: Slow
        expr: pulseguard:agent_model_inference_time_ms:p95_5m > {limit}
        for: 5m
        labels: {{severity: warning}}
        annotations:
          summary: "{{{{ $labels.agent }}}} is slow"
          description: "It takes {{{{ $value }}}} ms."
          runbook_url: https://example.org/slow
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two groups, as a repository has it."""
    folder = tmp_path / "rules"
    folder.mkdir()
    write(folder, "one", 1000)
    write(folder, "two", 2000)
    return folder


def write(folder: Path, name: str, limit: int) -> None:
    (folder / f"{name}.yml").write_text(FILE.format(name=name, limit=limit))


def ended(run: Run, *arguments: str, **settings: str) -> int | str | None:
    """The exit status of a verb that ends by itself."""
    with pytest.raises(SystemExit) as end:
        run(*arguments, **settings)
    return end.value.code


def applied(run: Run, settings: Mapping[str, str], folder: Path, *more: str) -> Done:
    return run("rules", "apply", "-f", str(folder), *OWNED, *more, **settings)


def test_what_is_applied_twice_changes_nothing_and_what_is_pruned_is_the_owners_only(
    run: Run, settings: Mapping[str, str], folder: Path
):
    first = applied(run, settings, folder, "-m", "the first ones")
    again = applied(run, settings, folder)
    write(folder, "one", 1500)
    (folder / "two.yml").unlink()
    pruned = applied(run, settings, folder, "--prune")

    assert "2 created" in first.out
    assert "2 unchanged" in again.out
    assert "~ one" in pruned.out
    assert "- two" in pruned.out
    assert [one["name"] for one in run("rules", "list", "--json", **settings).json()] == ["one"]
    (back,) = [
        line.rpartition("back with: ")[2] for line in pruned.out.splitlines() if "back" in line
    ]
    run(*back.split()[1:], **settings)
    deleted = run("rules", "delete", "two", **settings).out
    run(*deleted.rpartition("back with: ")[2].split()[1:], **settings)
    assert len(run("rules", "list", "--json", **settings).json()) == 2


def test_what_is_applied_with_a_warning_says_so_with_its_line(
    run: Run, settings: Mapping[str, str], folder: Path
):
    file = folder / "one.yml"
    file.write_text(file.read_text().replace("pulseguard:agent", "pulseguard:agnet"))

    told = applied(run, settings, folder).err

    assert f"{file}:5: warning: Slow: expr: " in told
    assert "pulseguard:agent_model_inference_time_ms:p95_5m" in told


def test_a_diff_says_what_would_change_and_changes_nothing(
    run: Run, settings: Mapping[str, str], folder: Path, capsys: pytest.CaptureFixture[str]
):
    applied(run, settings, folder)
    same = run("rules", "diff", "-f", str(folder), "--owner", "team", **settings)
    write(folder, "one", 7)
    status = ended(run, "rules", "diff", "-f", str(folder), "--owner", "team", **settings)
    told = capsys.readouterr().out

    assert same.status == 0
    assert status == 3
    assert "p95_5m > 7" in told
    assert "7" not in run("rules", "show", "one", **settings).out


def test_a_rule_that_came_by_the_api_is_named_where_the_files_take_it_away(
    run: Run, settings: Mapping[str, str], folder: Path, served: RegistryProcess
):
    applied(run, settings, folder)
    group = run("rules", "show", "one", "--json", **settings).json()["id"]
    added = {"group_id": group, "kind": "alert", "name": "Added", "expr": "up == 0", "for": "5m"}
    assert served.post("/api/v1/alert-rules", added, served.admin_key()).status == 201

    again = applied(run, settings, folder).out

    assert "~ one: takes away Added, which the files have not\n" in again


def test_what_is_exported_can_be_applied_again_and_is_the_same(
    run: Run, settings: Mapping[str, str], folder: Path, tmp_path: Path
):
    applied(run, settings, folder)
    out = tmp_path / "out"
    run("rules", "export", "--owner", "team", "--out", str(out), **settings)

    assert sorted(file.name for file in out.iterdir()) == ["one.yml", "two.yml"]
    assert "2 unchanged" in applied(run, settings, out).out
    assert "groups:" in run("rules", "export", **settings).out
    assert "not empty" in run("rules", "export", "--out", str(out), **settings).err


def test_a_group_goes_back_to_a_revision_and_its_history_says_who_and_why(
    run: Run, settings: Mapping[str, str], folder: Path
):
    applied(run, settings, folder, "-m", "as it was")
    write(folder, "one", 77)
    applied(run, settings, folder, "-m", "too low")
    number = run("rules", "show", "one", "--json", **settings).json()["revision"]
    run("rules", "rollback", "one", str(number - 1), "-m", "it fired at night", **settings)
    history = run("rules", "history", "one", **settings).out

    assert "it fired at night" in history
    assert "too low" in history
    assert "p95_5m > 77" not in run("rules", "export", **settings).out
    assert "> 77" in run("rules", "history", "one", "--revision", str(number), **settings).out


def test_a_disabled_group_stays_disabled_when_its_file_is_applied_again(
    run: Run, settings: Mapping[str, str], folder: Path, tmp_path: Path
):
    applied(run, settings, folder)
    run("rules", "disable", "two", "-m", "noisy", **settings)
    again = applied(run, settings, folder)

    out = tmp_path / "out"
    run("rules", "export", "--out", str(out), **settings)
    exported = applied(run, settings, out, "--prune")
    enabled = run("rules", "export", "--enabled", **settings).out

    assert "2 unchanged" in again.out
    assert "2 unchanged" in exported.out
    assert '# Disabled: the group "two"' in (out / "two.yml").read_text()
    assert "name: two" not in enabled
    assert run("rules", "show", "two", "--json", **settings).json()["enabled"] is False
    run("rules", "enable", "two", **settings)


def test_files_are_checked_without_a_registry_and_nothing_is_sent_where_one_is_wrong(
    run: Run, settings: Mapping[str, str], folder: Path, capsys: pytest.CaptureFixture[str]
):
    assert run("rules", "check", "-f", str(folder)).out.endswith("2 rules: all well\n")
    file = folder / "one.yml"
    file.write_text(file.read_text().replace("> 1000", "> > 1000").replace("for:", "fro:"))

    refused = applied(run, settings, folder)
    status = ended(run, "rules", "check", "-f", str(folder))
    told = capsys.readouterr().err

    assert (refused.status, status) == (1, 1)
    assert f"{file}:5: error: Slow: expr:" in told
    assert f"{file}:6: error:" in told
    assert "nothing was sent" in refused.err


def test_warnings_end_a_strict_check_only(run: Run, folder: Path):
    file = folder / "one.yml"
    file.write_text(file.read_text().replace("        for: 5m\n", ""))

    assert run("rules", "check", "-f", str(folder)).status == 0
    assert ended(run, "rules", "check", "--strict", "-f", str(folder)) == 3


def test_a_change_waits_for_its_proof_and_ends_otherwise_where_it_is_not_loaded(
    run: Run, settings: Mapping[str, str], folder: Path, served: RegistryProcess
):
    applied(run, settings, folder)
    key = served.admin_key()
    other, group = run("rules", "list", "--owner", "team", "--json", **settings).json()
    if group["name"] != "two":
        other, group = group, other
    version = served.get("/api/v1/sync", key).body["version"]

    def tell(revision: int, **said: object) -> None:
        loads = {
            other["id"]: {"loaded": other["revision"]},
            group["id"]: {"loaded": revision, **said},
        }
        body = {"version": version, "groups": loads}
        answer = served.put("/api/v1/sync/main/rules", body, key)
        assert answer.status == 204, answer.body

    tell(group["revision"])
    with ThreadPoolExecutor(1) as threads:
        write(folder, "two", 3000)
        change = threads.submit(applied_apart, settings, folder, "--wait", "20s")
        eventually(lambda: served.get("/api/v1/sync", key).body["version"] > version)
        assert not change.done()
        version += 1
        tell(group["revision"] + 1)
        assert change.result() == 0
    write(folder, "two", 4000)
    assert ended(run, "rules", "apply", "-f", str(folder), *OWNED, "--wait", "1s", **settings) == 4
    version += 1
    tell(group["revision"] + 1, rejected=group["revision"] + 2, reason="no such thing")
    write(folder, "two", 4000)
    shown = run("rules", "show", "two", **settings).out

    assert "rejected (it has revision" in shown
    assert "no such thing" in shown


def applied_apart(settings: Mapping[str, str], folder: Path, *more: str) -> int:
    """The exit status of an apply in a process of its own, beside what the test does."""
    command = [sys.executable, "-m", "pulseguard.command", "rules", "apply", "-f", str(folder)]
    environment = {**os.environ, **settings}
    done = subprocess.run([*command, *OWNED, *more], env=environment, check=False, timeout=60)
    return done.returncode


def test_what_cannot_be_meant_is_said_in_a_line(
    run: Run, settings: Mapping[str, str], folder: Path
):
    assert "no time" in applied(run, settings, folder, "--wait", "soon").err
    assert "no group of rules" in run("rules", "show", "nobody", **settings).err


def test_a_preview_counts_in_words_and_rounds_what_prometheus_told(
    monkeypatch: pytest.MonkeyPatch, run: Run, settings: Mapping[str, str], folder: Path
):
    one = {"labels": {"agent": "a"}, "state": "firing", "value": "2230.1541112487207"}
    told = {
        **{"series": 1, "firing": 1, "hours": 24.0, "fired": 1, "fired_for_agents": 1},
        **{"step_seconds": 60.0, "now": [one], "past": [], "findings": []},
    }
    monkeypatch.setattr(Registry, "send", lambda *_: told)
    preview = ("rules", "preview", "-f", str(folder / "one.yml"), "--rule", "Slow")

    single = run(*preview, **settings).out
    told |= {"firing": 0, "fired": 2, "fired_for_agents": 2}
    several = run(*preview, **settings).out

    assert "Slow would fire now 1 time, 0 pending" in single
    assert "fired 1 time, for 1 agent (" in single
    assert "2230 " in f"{single} ".replace("\n", " ")
    assert "2230.15" not in single
    assert "would fire now 0 times" in several
    assert "fired 2 times, for 2 agents (" in several
