"""`make soak` says what is wrong with what it was given before it starts anything."""

from pathlib import Path

import pytest
from bench.soak.__main__ import main, read_hours


@pytest.mark.parametrize("text", ["", "an hour", "0", "-1", "nan", "inf", "0.001"])
def test_hours_that_cannot_be_meant_are_named_with_what_can(text: str) -> None:
    with pytest.raises(ValueError, match=f"HOURS={text}: give a number of hours, 0.02 to"):
        read_hours(text)


@pytest.mark.parametrize(("text", "hours"), [("1", 1.0), ("0.05", 0.05), ("24", 24.0)])
def test_hours_may_be_a_fraction(text: str, hours: float) -> None:
    assert read_hours(text) == hours


def test_a_report_that_has_nowhere_to_go_stops_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "missing" / "report.md"

    assert main("1", str(path)) == 2

    assert f"REPORT={path}: there is no folder {path.parent}" in capsys.readouterr().err
