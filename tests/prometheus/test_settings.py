"""The settings of `pulseguard sync`: flag before variable before default, and clear refusals."""

from pathlib import Path

import pytest

from pulseguard_prometheus.errors import BadSetting
from pulseguard_prometheus.settings import read_settings

FILE = ["--targets-file", "/var/lib/pulseguard/agents.json"]


def test_only_the_targets_file_has_to_be_named():
    settings = read_settings(FILE, {})

    assert str(settings.registry) == "http://127.0.0.1:8000"
    assert settings.targets_file == Path("/var/lib/pulseguard/agents.json")
    assert settings.key_file is None
    assert settings.interval_seconds == 1
    assert settings.rules_dir is None
    assert settings.alive_file is None
    assert settings.is_watchdog_on


def test_a_flag_goes_before_its_variable():
    environment = {
        "PULSEGUARD_REGISTRY_URL": "http://variable:8000",
        "PULSEGUARD_TARGETS_FILE": "/variable/agents.json",
        "PULSEGUARD_KEY_FILE": "/variable/key",
        "PULSEGUARD_SYNC_INTERVAL_SECONDS": "7",
    }

    settings = read_settings(["--registry-url", "https://flag/prefix/"], environment)

    assert str(settings.registry) == "https://flag/prefix"
    assert settings.targets_file == Path("/variable/agents.json")
    assert settings.key_file == Path("/variable/key")
    assert settings.interval_seconds == 7


def test_rules_are_told_in_time_however_seldom_targets_are_asked_for():
    seldom, often = (read_settings([*FILE, "--interval", each], {}) for each in ("3600", "2"))

    assert (seldom.interval_seconds, seldom.rules_interval_seconds) == (3600, 15)
    assert often.rules_interval_seconds == 2


def test_rules_go_to_a_folder_beside_the_prometheus_that_is_named():
    settings = read_settings(
        [*FILE, "--rules-dir", "/etc/prometheus/user-rules"],
        {"PULSEGUARD_PROMETHEUS_URL": "http://p:9090", "PULSEGUARD_PROMTOOL": "/opt/promtool"},
    )

    assert settings.rules_dir == Path("/etc/prometheus/user-rules")
    assert settings.promtool == Path("/opt/promtool")
    assert str(settings.prometheus_url) == "http://p:9090"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "targets file"),
        ([*FILE, "--interval", "0"], "interval '0'"),
        ([*FILE, "--interval", "nan"], "interval 'nan'"),
        ([*FILE, "--interval", "soon"], "interval 'soon'"),
        ([*FILE, "--registry-url", "registry:8000"], "registry:8000"),
        ([*FILE, "--registry-url", "ftp://registry"], "ftp://registry"),
        ([*FILE, "--registry-url", "http://"], "http://"),
        ([*FILE, "--registry-url", "http://registry:eight"], "eight"),
        ([*FILE, "--registry-url", "http://registry:99999"], "99999"),
        ([*FILE, "--registry-url", "http://registry/?a=b"], "a=b"),
        ([*FILE, "--registry-url", "http://regi stry"], "regi stry"),
        ([*FILE, "--registry-url", "http://[::1"], "::1"),
        ([*FILE, "--rules-dir", "/user-rules"], "--prometheus-url"),
        ([*FILE, "--watchdog", "no"], "watchdog 'no': write on or off (PULSEGUARD_WATCHDOG"),
    ],
)
def test_a_bad_value_is_named(arguments, said):
    with pytest.raises(BadSetting) as refusal:
        read_settings(arguments, {})

    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_password_in_the_address_is_refused_and_not_repeated():
    with pytest.raises(BadSetting) as refusal:
        read_settings([*FILE, "--registry-url", "http://user:geheim@registry"], {})

    assert "geheim" not in str(refusal.value)
