"""How files are checked: by a promtool that may say too much, hang, fail or be missing."""

import os
from pathlib import Path

import pytest

from pulseguard_prometheus.errors import BadSetting, PromtoolTrouble
from pulseguard_prometheus.publication.promtool import (
    OUTPUT_LIMIT_BYTES,
    Promtool,
    find_promtool,
)


def stand_in(folder: Path, script: str) -> Promtool:
    program = folder / "promtool"
    program.write_text(f"#!/bin/sh\nshift 2\n{script}\n", "utf-8")
    program.chmod(0o755)
    return Promtool(program, folder, timeout_seconds=0.3)


def test_the_bad_ones_among_many_are_found_in_few_runs(tmp_path):
    promtool = stand_in(
        tmp_path,
        'echo "$@" >> runs; for f; do case $f in 1[37].yml) echo "$f: no"; exit 1;; esac; done',
    )

    rejected = promtool.check([f"{number}.yml" for number in range(64)])

    assert {name: each.reason for name, each in rejected.items()} == {
        "13.yml": "no",
        "17.yml": "no",
    }
    assert len((tmp_path / "runs").read_text().splitlines()) < 25


@pytest.mark.parametrize("script", ["sleep 60 & wait", "exec >&- 2>&-; exec sleep 60", "yes"])
def test_one_that_goes_on_is_ended_and_the_file_not_rejected_for_ever(tmp_path, script):
    (rejection,) = stand_in(tmp_path, script).check(["a.yml"]).values()

    assert "within 0.3 s" in rejection.reason
    assert not rejection.lasting


def test_much_output_is_cut(tmp_path):
    script = f"head -c {OUTPUT_LIMIT_BYTES * 3} /dev/zero | tr '\\0' x; exit 1"

    (rejection,) = stand_in(tmp_path, script).check(["a.yml"]).values()

    assert len(rejection.reason) == 1000


@pytest.mark.parametrize("script", ["exit 2", "kill -9 $$", "exit 127"])
def test_one_that_fails_itself_rejects_nothing(tmp_path, script):
    with pytest.raises(PromtoolTrouble):
        stand_in(tmp_path, script).check(["a.yml"])


def test_one_that_is_gone_rejects_nothing(tmp_path):
    with pytest.raises(PromtoolTrouble):
        Promtool(tmp_path / "none", tmp_path).check(["a.yml"])


def test_it_is_the_one_that_was_named_or_the_one_on_path(tmp_path):
    stand_in(tmp_path, "")
    program = tmp_path / "promtool"

    assert find_promtool(program, {}) == program
    assert find_promtool(None, {"PATH": str(tmp_path)}) == program
    assert find_promtool(Path("promtool"), {"PATH": str(tmp_path)}) == program
    for named, path in [(None, os.devnull), (tmp_path, ""), (tmp_path / "none", "")]:
        with pytest.raises(BadSetting, match="promtool"):
            find_promtool(named, {"PATH": path})
