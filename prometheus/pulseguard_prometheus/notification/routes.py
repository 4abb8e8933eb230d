"""Who is told of which alerts: the routes and inhibitions of Alertmanager, decided purely."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pulseguard_prometheus.notification.receivers import Receiver, Receivers
from pulseguard_prometheus.notification.settings import Severity

DEADMAN: Final = "deadman"
WATCHDOG: Final = "Watchdog"
TEST_ALERT: Final = "PulseGuardTest"
# What says that an agent does not answer: the shipped rule, and what the template makes.
_AGENT_IS_DOWN: Final = ("AgentDown", "AgentUnreachable")
# An alert without a severity counts as a warning: nobody must miss it for want of a label.
_SEVERITIES: Final[dict[Severity, str]] = {
    "critical": 'severity="critical"',
    "warning": 'severity!~"info|none"',
    "info": 'severity!="none"',
}


@dataclass(frozen=True)
class Times:
    """How long people wait for what; as Alertmanager writes durations."""

    group_wait: str = "30s"
    group_interval: str = "5m"
    repeat_interval: str = "4h"
    deadman_interval: str = "1m"
    test_interval: str = "10s"


# Any: a part of Alertmanager's configuration, as YAML has it.
def routes_of(
    receivers: Receivers, least_severity: Severity, times: Times
) -> Sequence[dict[str, Any]]:
    """The routes behind that of the registry: to the dead man's switch, of the test alert, then to
    people."""
    routes: list[dict[str, Any]] = []
    if receivers.deadman:
        routes.append(_deadman(times))
    if receivers.people:
        routes.append(_test_alert(receivers.people, times))
    routes += [_route(each, receivers.people, least_severity, times) for each in receivers.people]
    return routes


# Any: see above.
def inhibitions() -> Sequence[dict[str, Any]]:
    """An agent that is down does not page for its latency as well.

    Nothing is held back by what is less severe: whoever is told of the one alone, such as PagerDuty
    of what is critical, would hear of neither.
    """
    return [
        _inhibition(['severity="critical"'], []),
        _inhibition(['severity!~"info|none"'], ['severity!="critical"']),
    ]


# Any: see above.
def _inhibition(source: list[str], target: list[str]) -> dict[str, Any]:
    down = "|".join(_AGENT_IS_DOWN)
    return {
        # Both without an agent would be equal too.
        "source_matchers": [f'alertname=~"{down}"', 'agent_id!=""', *source],
        # They do not hold back one another: nobody would hear of either.
        "target_matchers": [f'alertname!~"{down}"', *target],
        "equal": ["agent_id"],
    }


# Any: see above.
def _deadman(times: Times) -> dict[str, Any]:
    return {
        # A rule of that name that people are to be told of is another one.
        "matchers": [f'alertname="{WATCHDOG}"', 'severity="none"'],
        "receiver": DEADMAN,
        "group_by": ["alertname"],
        "group_wait": "0s",
        "group_interval": times.test_interval,
        "repeat_interval": times.deadman_interval,
    }


# Any: see above.
def _test_alert(people: Sequence[Receiver], times: Times) -> dict[str, Any]:
    """It goes to everybody, whatever their severities and teams, and no further."""
    return {
        "matchers": [f'alertname="{TEST_ALERT}"', 'test="true"'],
        "receiver": people[0].name,
        "group_by": ["..."],
        "group_wait": "0s",
        "group_interval": times.test_interval,
        "repeat_interval": times.repeat_interval,
        "routes": [{"receiver": each.name, "continue": True} for each in people],
    }


# Any: see above.
def _route(
    receiver: Receiver, people: Sequence[Receiver], least_severity: Severity, times: Times
) -> dict[str, Any]:
    severity = "critical" if receiver.kind == "pagerduty" else least_severity
    return {
        "matchers": [_SEVERITIES[severity], *_team_matchers(receiver, people)],
        "receiver": receiver.name,
        "continue": True,
        # A whole fleet that is down is one notification.
        "group_by": ["alertname", "severity", "environment"],
        "group_wait": times.group_wait,
        "group_interval": times.group_interval,
        "repeat_interval": times.repeat_interval,
    }


def _team_matchers(receiver: Receiver, people: Sequence[Receiver]) -> list[str]:
    """A team's own receiver stands in for the general one of the same kind, and of no other."""
    if receiver.team is not None:
        return [f"team={quoted(receiver.team)}"]
    others = [each.team for each in people if each.kind == receiver.kind]
    return [f"team!={quoted(team)}" for team in others if team is not None]


def quoted(text: str) -> str:
    """A printable text as the value of a matcher."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
