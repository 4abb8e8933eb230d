"""`pulseguard rules` of groups that were deleted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.registry.operating.conftest import Run
from tests.registry.operating.test_rules_verb import applied, write


def test_a_deleted_group_is_found_by_its_name_and_comes_back(
    run: Run, settings: Mapping[str, str], tmp_path: Path
):
    write(tmp_path, "gone", 1)
    applied(run, settings, tmp_path)
    run("rules", "delete", "gone", "-m", "too loud", **settings)

    listed = run("rules", "list", "--deleted", **settings).out.splitlines()[1]
    history = run("rules", "history", "gone", **settings).out
    shown = run("rules", "show", "gone", **settings)
    back = run("rules", "rollback", "gone", "1", **settings)

    assert listed.split()[0] == "gone"
    assert "too loud" in listed
    assert "too loud" in history
    assert "was deleted; see pulseguard rules history gone" in shown.err
    assert "gone is as revision 1 was" in back.out
    assert run("rules", "list", "--deleted", "--json", **settings).json() == []


def test_of_several_that_were_deleted_under_one_name_it_is_the_id_that_says_which(
    run: Run, settings: Mapping[str, str], tmp_path: Path
):
    write(tmp_path, "twice", 1)
    ids = []
    for _ in range(2):
        applied(run, settings, tmp_path)
        ids.append(run("rules", "show", "twice", "--json", **settings).json()["id"])
        run("rules", "delete", "twice", **settings)

    refused = run("rules", "rollback", "twice", "1", **settings).err
    run("rules", "rollback", ids[0], "1", **settings)
    there = run("rules", "history", "twice", "--json", **settings).json()

    assert "several groups 'twice' were deleted" in refused
    assert refused.index(ids[1]) < refused.index(ids[0])
    assert {one["group_id"] for one in there} == {ids[0]}
