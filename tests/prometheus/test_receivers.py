"""Who is told of what: the settings of receivers, their files, and the routes that come of them."""

import subprocess
from pathlib import Path

import pytest
import yaml

from pulseguard_prometheus.errors import BadSetting, NotificationTrouble
from pulseguard_prometheus.notification.receivers import read_receivers
from pulseguard_prometheus.notification.rendering import render
from pulseguard_prometheus.notification.settings import read_notification_settings
from pulseguard_prometheus.settings import read_settings
from pulseguard_stack.programs import find_program
from tests.prometheus.conftest import Secret

REGISTRY = "https://registry.example.org/pulseguard"
SLACK = "https://hooks.slack.example/services/T/B/geheim"


@pytest.fixture
def everybody(secret: Secret) -> dict[str, str]:
    """One general receiver of each kind, and two teams with some of their own."""
    teams = """
        teams:
          finance:
            slack: {webhook_file: slack, channel: "#finance"}
            email: {to: finance@example.org}
          'o"p\\s':
            pagerduty: {key_file: key}
    """
    return {
        "PULSEGUARD_SLACK_WEBHOOK_FILE": secret("slack", SLACK),
        "PULSEGUARD_PAGERDUTY_KEY_FILE": secret("key", "k" * 32),
        "PULSEGUARD_EMAIL_TO": "ops@example.org",
        "PULSEGUARD_ALERT_WEBHOOK_FILE": secret("hook", "https://hook.example.org/secret"),
        "PULSEGUARD_TEAM_RECEIVERS_FILE": secret("teams.yml", teams),
        "PULSEGUARD_DEADMAN_URL_FILE": secret("deadman", "https://deadman.example.org/secret"),
    }


def rendered(environment: dict[str, str]) -> str:
    settings = read_notification_settings(environment, REGISTRY)
    return render(settings, read_receivers(settings)).configuration


def told(folder: Path, configuration: str, *labels: str) -> set[str]:
    """Who is told of an alert with these labels, as Alertmanager's own program says."""
    file = folder / "alertmanager.yml"
    file.write_text(configuration)
    routes = ["config", "routes", "test", f"--config.file={file}"]
    said = subprocess.run(
        [find_program("amtool"), *routes, *labels], capture_output=True, text=True, check=True
    )
    return set(said.stdout.strip().split(","))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["severity=critical"], {"slack", "pagerduty", "email", "webhook"}),
        (["severity=warning"], {"slack", "email", "webhook"}),
        # Nobody must miss it for want of a label.
        (["alertname=Plain"], {"slack", "email", "webhook"}),
        (["severity=info"], set()),
        (["severity=none", "alertname=Watchdog"], {"deadman"}),
        # A rule of somebody's own that happens to have its name.
        (["severity=warning", "alertname=Watchdog"], {"slack", "email", "webhook"}),
        # A team's own stands in for the general one of its kind, and of no other.
        (
            ["severity=critical", "team=finance"],
            {"slack/finance", "email/finance", "pagerduty", "webhook"},
        ),
        (
            ["severity=critical", 'team="o\\"p\\\\s"'],
            {"slack", "email", 'pagerduty/o"p\\s', "webhook"},
        ),
        (
            ["alertname=PulseGuardTest", "test=true", "severity=info"],
            {
                *("slack", "pagerduty", "email", "webhook"),
                *("slack/finance", "email/finance", 'pagerduty/o"p\\s'),
            },
        ),
    ],
)
def test_an_alert_reaches_people_by_severity_and_team_and_the_registry_always(
    tmp_path: Path, everybody: dict[str, str], labels: list[str], expected: set[str]
) -> None:
    assert told(tmp_path, rendered(everybody), *labels) == expected | {"registry"}


@pytest.mark.parametrize(
    ("least", "severities"),
    [("critical", {"critical"}), ("info", {"critical", "warning", "info"})],
)
def test_one_setting_says_from_which_severity_people_are_told(
    tmp_path: Path, everybody: dict[str, str], least: str, severities: set[str]
) -> None:
    configuration = rendered(everybody | {"PULSEGUARD_NOTIFY_SEVERITY": least})

    reached = {
        severity
        for severity in ("critical", "warning", "info", "none")
        if "email" in told(tmp_path, configuration, f"severity={severity}")
    }
    assert reached == severities


def test_without_receivers_the_registry_has_its_place_in_the_routes_all_the_same(
    everybody: dict[str, str],
) -> None:
    without, with_all = (yaml.safe_load(rendered(each)) for each in ({}, everybody))

    # Alertmanager knows whom it told of what by this place.
    assert without["route"]["routes"] == with_all["route"]["routes"][:1]
    assert without["route"] | {"routes": []} == with_all["route"] | {"routes": []}
    assert without["receivers"] == with_all["receivers"][:1]
    (webhook,) = without["receivers"][0]["webhook_configs"]
    assert webhook["url"] == f"{REGISTRY}/api/v1/alerts/webhook"


def test_people_wait_for_others_of_the_same_and_are_reminded_after_hours(
    everybody: dict[str, str],
) -> None:
    *_, last = yaml.safe_load(rendered(everybody))["route"]["routes"]

    assert last["group_by"] == ["alertname", "severity", "environment"]
    times = [last[name] for name in ("group_wait", "group_interval", "repeat_interval")]
    assert times == ["30s", "5m", "4h"]


def test_secrets_stay_in_their_files_where_the_oldest_alertmanager_can_read_them(
    everybody: dict[str, str], secret: Secret
) -> None:
    everybody |= {
        "PULSEGUARD_EMAIL_USER": "user",
        "PULSEGUARD_EMAIL_PASSWORD_FILE": secret("password", "hidden"),
    }

    configuration = rendered(everybody)

    assert SLACK not in configuration
    assert "k" * 32 not in configuration
    assert "hidden" not in configuration
    assert "https://hook.example.org/secret" in configuration


@pytest.mark.parametrize(
    ("smarthost", "chosen", "expected"),
    [
        ("localhost:25", None, False),
        ("mail.example.org:587", None, True),
        ("mail.example.org:25", "0", False),
        # There TLS is from the first byte, and STARTTLS is not offered.
        ("mail.example.org:465", None, False),
    ],
)
def test_mail_is_encrypted_beyond_this_machine(
    smarthost: str, chosen: str | None, expected: bool
) -> None:
    environment = {"PULSEGUARD_EMAIL_TO": "a@example.org", "PULSEGUARD_EMAIL_SMARTHOST": smarthost}
    if chosen:
        environment["PULSEGUARD_EMAIL_REQUIRE_TLS"] = chosen

    (_, email) = yaml.safe_load(rendered(environment))["receivers"]

    assert email["email_configs"][0]["require_tls"] is expected


@pytest.mark.parametrize(
    ("variable", "value", "mend"),
    [
        ("PULSEGUARD_NOTIFY_SEVERITY", "page", "write critical, warning or info"),
        ("PULSEGUARD_EMAIL_TO", "ops", "write name@example.org"),
        ("PULSEGUARD_EMAIL_TO", "{{x}}@example.org", "write name@example.org"),
        ("PULSEGUARD_EMAIL_FROM", "a@example.org, b@example.org", "write name@example.org"),
        ("PULSEGUARD_EMAIL_SMARTHOST", "mail.example.org", "write host:port"),
        ("PULSEGUARD_EMAIL_SMARTHOST", "mail.example.org:99999", "write host:port"),
        ("PULSEGUARD_EMAIL_SMARTHOST", "mail.example.org:٢٥", "write host:port"),
        ("PULSEGUARD_EMAIL_USER", "me", "set both, or neither"),
        ("PULSEGUARD_EMAIL_REQUIRE_TLS", "no", "write 0 or 1"),
        ("PULSEGUARD_SLACK_CHANNEL", "{{ template }}", "leave that out"),
        ("PULSEGUARD_GRAFANA_LINK", "http://a/{{ x }}", "write it like https://"),
        ("PULSEGUARD_GRAFANA_LINK", "http://a/|b", "write it like https://"),
        ("PULSEGUARD_REGISTRY_LINK", "registry", "write it like https://"),
        ("PULSEGUARD_PAGERDUTY_URL", "ftp://a", "write it like https://"),
    ],
)
def test_a_variable_that_cannot_be_meant_is_named_with_its_value_and_the_mend(
    variable: str, value: str, mend: str
) -> None:
    with pytest.raises(BadSetting) as refusal:
        read_notification_settings({variable: value}, REGISTRY)

    assert variable in str(refusal.value)
    assert value in str(refusal.value) or value == "me"
    assert mend in str(refusal.value)


def test_a_secret_in_place_of_its_file_is_refused_and_not_repeated() -> None:
    with pytest.raises(BadSetting) as refusal:
        read_notification_settings({"PULSEGUARD_SLACK_WEBHOOK_FILE": SLACK}, REGISTRY)

    assert "write it into a file" in str(refusal.value)
    assert "geheim" not in str(refusal.value)


@pytest.mark.parametrize(
    ("variable", "content"),
    [
        ("PULSEGUARD_SLACK_WEBHOOK_FILE", "geheim"),
        ("PULSEGUARD_SLACK_WEBHOOK_FILE", "https://{{geheim}}"),
        ("PULSEGUARD_ALERT_WEBHOOK_FILE", "https://user:geheim@host"),
        ("PULSEGUARD_DEADMAN_URL_FILE", "https://a\nhttps://geheim"),
        ("PULSEGUARD_PAGERDUTY_KEY_FILE", "geheim and more"),
        ("PULSEGUARD_PAGERDUTY_KEY_FILE", "geheim\N{EURO SIGN}"),
        ("PULSEGUARD_PAGERDUTY_KEY_FILE", ""),
    ],
)
def test_a_file_without_its_secret_is_named_and_not_repeated(
    secret: Secret, variable: str, content: str
) -> None:
    settings = read_notification_settings({variable: secret("file", content)}, REGISTRY)

    with pytest.raises(NotificationTrouble) as refusal:
        read_receivers(settings)

    assert variable in str(refusal.value)
    assert "geheim" not in str(refusal.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    settings = read_notification_settings({"PULSEGUARD_PAGERDUTY_KEY_FILE": str(missing)}, REGISTRY)

    with pytest.raises(NotificationTrouble) as refusal:
        read_receivers(settings)

    assert f"{missing} cannot be read (No such file or directory)" in str(refusal.value)
    assert "put an integration key of PagerDuty" in str(refusal.value)


def test_the_alertmanager_that_is_kept_is_named_by_flag_or_variable(tmp_path: Path) -> None:
    amtool = str(find_program("amtool"))
    flags = ["--targets-file", "agents.json", "--alertmanager-config", str(tmp_path / "a.yml")]

    place = read_settings([*flags, "--amtool", amtool], {}).alertmanager
    assert read_settings(["--targets-file", "agents.json"], {}).alertmanager is None
    with pytest.raises(BadSetting, match="PULSEGUARD_AMTOOL"):
        read_settings(flags, {"PATH": str(tmp_path)})

    assert place
    assert (place.configuration, place.url) == (tmp_path / "a.yml", "http://127.0.0.1:9093")
