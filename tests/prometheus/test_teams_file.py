"""What the file of teams' own receivers may say, and how its faults are told."""

import pytest

from pulseguard_prometheus.errors import NotificationTrouble
from pulseguard_prometheus.notification.receivers import read_receivers
from pulseguard_prometheus.notification.settings import read_notification_settings
from tests.prometheus.conftest import Secret

REGISTRY = "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("teams: [", "line 2: is no YAML"),
        ("[]", "is no mapping"),
        ("finance: {}", "'finance' is not known; known: teams"),
        ("teams: {finance: {sms: {}}}", "teams.finance: 'sms' is not known"),
        ("teams: {finance: {slack: {url: x}}}", "teams.finance.slack: 'url' is not known"),
        ("teams: {finance: {slack: {channel: x}}}", "teams.finance.slack: has no webhook_file"),
        ("teams: {finance: {email: {to: [a]}}}", "teams.finance.email.to: ['a'] is no text"),
        ("teams: {finance: {email: {to: nobody}}}", "'nobody' is no address"),
        ("teams: {finance: {webhook: {url_file: https://a/geheim}}}", "is an address; write it"),
        ("teams: {finance: {pagerduty: {key_file: missing}}}", "teams.finance.pagerduty.key_file"),
        ('teams: {"a\\nb": {}}', "is no team"),
        ("teams:\n  a: {}\n  b: {}\n  a: {}", "line 4: 'a' is there twice"),
        ("teams: {finance: }", "teams.finance: is no mapping"),
    ],
)
def test_a_fault_in_the_file_of_teams_is_named_with_its_place(
    secret: Secret, text: str, said: str
) -> None:
    file = secret("teams.yml", text)
    settings = read_notification_settings({"PULSEGUARD_TEAM_RECEIVERS_FILE": file}, REGISTRY)

    with pytest.raises(NotificationTrouble) as refusal:
        read_receivers(settings)

    assert file in str(refusal.value)
    assert said in str(refusal.value)
    assert "geheim" not in str(refusal.value)


def test_a_team_is_any_text_whatever_yaml_makes_of_it(secret: Secret) -> None:
    teams = "teams: {1: {email: {to: a@b.c}}, no: {email: {to: a@b.c}}}"
    settings = read_notification_settings(
        {"PULSEGUARD_TEAM_RECEIVERS_FILE": secret("teams.yml", teams)}, REGISTRY
    )

    assert [each.team for each in read_receivers(settings).people] == ["1", "no"]
