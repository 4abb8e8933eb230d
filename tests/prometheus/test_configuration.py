"""The shipped prometheus.yml and what is rendered from it, before Prometheus' own judge."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from pulseguard_prometheus.configuration import render_configuration, shipped_configuration
from pulseguard_prometheus.errors import ConfigurationMismatch
from pulseguard_stack.programs import find_program

SOURCE = Path(__file__).parents[2] / "prometheus" / "prometheus.yml"


def render(text: str, scrape_interval_seconds: float = 5) -> str:
    return render_configuration(
        text,
        scrape_interval_seconds=scrape_interval_seconds,
        registry_address="127.0.0.1:8001",
        alertmanager_address="127.0.0.1:9094",
        prometheus_address="127.0.0.1:9091",
    )


def differences(before: object, after: object, path: str = "") -> dict[str, object]:
    """What a rendering changed: path to new value."""
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        found = [differences(before[key], after[key], f"{path}/{key}") for key in before]
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        found = [differences(old, new, f"{path}/{number}") for number, (old, new) in pairs]
    else:
        return {} if before == after else {path: after}
    return {place: value for part in found for place, value in part.items()}


def jobs(text: str):
    return yaml.safe_load(text)["scrape_configs"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a configuration, with what it names: a key, a target list."""
    for name in ("secrets", "targets", "rules"):
        (tmp_path / name).mkdir()
    (tmp_path / "secrets" / "prometheus.key").write_text("key\n")
    (tmp_path / "targets" / "agents.json").write_text(json.dumps([{"targets": ["10.0.0.1:9101"]}]))
    return tmp_path


def test_the_shipped_configuration_is_the_one_in_the_repository():
    assert shipped_configuration() == SOURCE.read_text()


@pytest.mark.parametrize("change", [str, render], ids=["shipped", "rendered"])
def test_promtool_accepts_the_configuration(folder, change):
    (folder / "prometheus.yml").write_text(change(shipped_configuration()))

    checked = subprocess.run(
        [find_program("promtool"), "check", "config", folder / "prometheus.yml"],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stdout


def test_rendering_changes_addresses_and_intervals_and_nothing_else():
    shipped = yaml.safe_load(shipped_configuration())

    rendered = yaml.safe_load(render(shipped_configuration(), scrape_interval_seconds=2))

    assert differences(shipped, rendered) == {
        "/global/scrape_interval": "2s",
        "/global/scrape_timeout": "2s",
        "/global/evaluation_interval": "2s",
        "/alerting/alertmanagers/0/static_configs/0/targets/0": "127.0.0.1:9094",
        "/scrape_configs/0/relabel_configs/3/replacement": "2s",
        "/scrape_configs/0/relabel_configs/4/replacement": "2s",
        "/scrape_configs/1/static_configs/0/targets/0": "127.0.0.1:8001",
        "/scrape_configs/2/static_configs/0/targets/0": "127.0.0.1:8001",
        "/scrape_configs/3/static_configs/0/targets/0": "127.0.0.1:9091",
        "/scrape_configs/4/static_configs/0/targets/0": "127.0.0.1:9094",
    }


def test_a_fraction_of_a_second_is_written_as_prometheus_reads_it():
    rendered = yaml.safe_load(render(shipped_configuration(), scrape_interval_seconds=0.25))

    assert rendered["global"]["scrape_interval"] == "250ms"


@pytest.mark.parametrize(
    ("place", "put"),
    [
        ("job_name: registry\n", "job_name: server\n"),
        ("  evaluation_interval: 10s\n", ""),
        ("target_label: __scrape_interval__", "target_label: interval"),
        ('"alertmanager:9093"', '"alertmanager:9093", "another:9093"'),
        ('"alertmanager:9093"', ""),
        ("job_name: alertmanager", "job_name: alerts"),
        ("alerting:", "warning:"),
    ],
)
def test_a_configuration_without_the_places_is_refused(place, put):
    assert place in shipped_configuration()

    with pytest.raises(ConfigurationMismatch):
        render(shipped_configuration().replace(place, put))


def test_the_fences_keep_the_pace_that_the_whole_configuration_has():
    whole = yaml.safe_load(shipped_configuration())["global"]
    agents = jobs(shipped_configuration())[0]
    fixed = {
        step.get("target_label"): step.get("replacement") for step in agents["relabel_configs"]
    }

    assert fixed["__scrape_interval__"] == whole["scrape_interval"] == whole["evaluation_interval"]
    assert fixed["__scrape_timeout__"] == whole["scrape_timeout"]


def test_no_job_follows_redirects_or_believes_labels():
    for job in jobs(shipped_configuration()):
        assert job["follow_redirects"] is False
        assert not job.get("honor_labels", False)


def test_no_limit_can_fail_the_targets_of_others():
    assert all("target_limit" not in job for job in jobs(shipped_configuration()))
