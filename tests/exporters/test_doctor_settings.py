"""`pulseguard doctor` where a setting is missing, or cannot be used."""

from __future__ import annotations

import pytest

from tests.exporters.examining import doctor


def test_without_any_setting_the_doctor_says_how_to_begin() -> None:
    name, said, mend = doctor("--json").broken_link()

    assert name == "settings"
    assert "no registry is known" in said
    assert "make up" in mend


@pytest.mark.parametrize("name", ["registry_url", "prometheus_url"])
def test_a_setting_that_cannot_be_used_is_status_2_in_one_line(name: str) -> None:
    verdict = doctor(f"--{name.replace('_', '-')}", "localhost:8000")

    assert verdict.status == 2
    assert f"{name}='localhost:8000' cannot be used" in verdict.complaint
    assert len(verdict.complaint.splitlines()) == 1
