"""The shipped alertmanager.yml and what is rendered from it, before Alertmanager itself."""

from pathlib import Path

import pytest
import yaml

from pulseguard_prometheus.configuration import (
    render_alertmanager_configuration,
    shipped_alertmanager_configuration,
)
from pulseguard_prometheus.errors import ConfigurationMismatch
from pulseguard_registry.alerts.firing import TOLD_SECONDS
from tests.prometheus.alertmanager_server import AlertmanagerServer
from tests.prometheus.test_configuration import differences

SOURCE = Path(__file__).parents[2] / "prometheus" / "alertmanager.yml"


def render(text: str, **times: float) -> str:
    return render_alertmanager_configuration(text, registry_address="127.0.0.1:8001", **times)


def test_the_shipped_configuration_is_the_one_in_the_repository():
    assert shipped_alertmanager_configuration() == SOURCE.read_text()


@pytest.mark.parametrize("change", [str, render], ids=["shipped", "rendered"])
def test_alertmanager_takes_the_configuration_without_a_remark(tmp_path, change):
    configuration = change(shipped_alertmanager_configuration())

    with AlertmanagerServer(tmp_path / "a folder", configuration) as alertmanager:
        assert alertmanager.alerts() == []

    said = alertmanager.log.read_text()
    assert "Completed loading of configuration file" in said
    assert "level=warn" not in said
    assert "level=error" not in said


def test_alertmanager_refuses_what_is_no_configuration_of_its(tmp_path):
    broken = shipped_alertmanager_configuration().replace("receiver: registry", "receiver: nobody")

    with pytest.raises(AssertionError, match="undefined receiver"):
        AlertmanagerServer(tmp_path, broken).start()


def test_rendering_changes_the_address_and_the_given_times_and_nothing_else():
    shipped = yaml.safe_load(shipped_alertmanager_configuration())
    url = "http://127.0.0.1:8001/api/v1/alerts/webhook"

    addressed = yaml.safe_load(render(shipped_alertmanager_configuration()))
    shortened = yaml.safe_load(
        render(
            shipped_alertmanager_configuration(),
            group_interval_seconds=0.5,
            repeat_interval_seconds=1,
        )
    )

    assert differences(shipped, addressed) == {"/receivers/0/webhook_configs/0/url": url}
    assert differences(addressed, shortened) == {
        "/route/group_interval": "500ms",
        "/route/repeat_interval": "1s",
    }


@pytest.mark.parametrize(
    ("place", "put"),
    [
        ("receivers:", "givers:"),
        ("webhook_configs:", "slack_configs:"),
        ("      - url: http", "      - url: http://other:80/\n      - url: http"),
        ("  group_interval: 10s\n", ""),
        ("route:", "routes:"),
    ],
)
def test_a_configuration_without_the_places_is_refused(place, put):
    assert place in shipped_alertmanager_configuration()

    with pytest.raises(ConfigurationMismatch, match=r"alertmanager\.yml"):
        render(
            shipped_alertmanager_configuration().replace(place, put),
            group_interval_seconds=1,
        )


def test_an_alert_is_repeated_often_enough_for_the_registry_to_believe_that_it_fires():
    route = yaml.safe_load(shipped_alertmanager_configuration())["route"]
    assert route["group_interval"] == "10s"
    assert route["repeat_interval"] == "1m"

    # A repetition is due at the first look after its time.
    assert TOLD_SECONDS > 2 * (60 + 10)


def test_an_end_is_told_as_well_and_the_key_goes_nowhere_else():
    (receiver,) = yaml.safe_load(shipped_alertmanager_configuration())["receivers"]
    (webhook,) = receiver["webhook_configs"]

    assert webhook["send_resolved"] is True
    assert webhook["http_config"]["follow_redirects"] is False
