"""Whether alerts reach anybody is said where it is known, and that they do is no news."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pulseguard_stack.status.document import document
from pulseguard_stack.status.settings import Endpoints, find_endpoints
from pulseguard_stack.status.sources import Sources
from tests.prometheus_server import free_port
from tests.stack.status.fakes import Fake, agent, alert, fake_server, prometheus_of, registry_of
from tests.stack.status.test_addresses import stack_in
from tests.stack.status.test_faults import shown

NOBODY = "reach nobody"


@pytest.fixture
def endpoints() -> Iterator[Endpoints]:
    """A stack whose Alertmanager nobody has named."""
    agents = [agent("coder")]
    firing = [
        alert("Watchdog", "coder", severity="none"),
        alert("PulseGuardTest", "coder", is_test=True),
        # A rule of somebody's own that happens to have its name.
        alert("Watchdog", "coder", severity="warning"),
        alert("AgentDown", "coder"),
    ]
    with (
        fake_server(registry_of(agents, firing)) as registry,
        fake_server(prometheus_of(agents)) as prometheus,
    ):
        yield Endpoints(registry.url, "pg_viewer_x", prometheus.url)


@pytest.fixture
def alertmanager() -> Iterator[Fake]:
    with fake_server(lambda path, query: (404, {})) as fake:
        yield fake


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["registry"], "alerts reach nobody:"),
        (["registry", "deadman"], "alerts reach nobody:"),
        (["registry", "email", "slack/finance"], None),
        # Of somebody's own Alertmanager: whom it is for is not known.
        (["registry", "on-call"], None),
        (["registry", "pagerduty", "pagerduty/b"], "warnings reach nobody:"),
        (
            ["registry", "pagerduty", "email/b", "slack/a"],
            "warnings reach nobody but the teams a, b:",
        ),
        (["registry", "pagerduty/b"], "alerts reach nobody but the team b:"),
    ],
)
def test_which_alerts_reach_nobody_is_said(
    endpoints: Endpoints, alertmanager: Fake, names: list[str], said: str | None
) -> None:
    alertmanager.respond = lambda path, query: (
        (200, [{"name": name} for name in names]) if path == "/api/v2/receivers" else (404, {})
    )
    fleet = Sources(replace(endpoints, alertmanager_url=alertmanager.url)).look()

    assert f"! {said} name a receiver" in shown(fleet) if said else NOBODY not in shown(fleet)
    assert document(fleet)["receivers"] == [n for n in names if n not in ("registry", "deadman")]


@pytest.mark.parametrize("answer", [(200, {"name": "email"}), (200, "[[]"), (503, [])])
def test_where_it_is_not_known_nothing_is_said(
    endpoints: Endpoints, alertmanager: Fake, answer: tuple[int, object]
) -> None:
    alertmanager.respond = lambda path, query: answer
    away = f"http://127.0.0.1:{free_port()}"

    for url in (None, away, alertmanager.url):
        fleet = Sources(replace(endpoints, alertmanager_url=url)).look()
        assert NOBODY not in shown(fleet)
        assert document(fleet)["receivers"] is None


def test_the_alertmanager_that_runs_here_is_asked_and_no_other(tmp_path: Path) -> None:
    here = stack_in(tmp_path)

    assert find_endpoints(None, None, None, here, {}).alertmanager_url == "http://127.0.0.1:9093"
    elsewhere = find_endpoints("http://elsewhere:8000", None, None, here, {})
    assert elsewhere.alertmanager_url is None


def test_the_watchdog_and_a_test_are_no_alerts_that_fire(endpoints: Endpoints) -> None:
    fleet = Sources(endpoints).look()

    names = [(one.name, one.severity) for one in fleet.heard.alerts or ()]
    assert names == [("Watchdog", "warning"), ("AgentDown", "critical")]
    assert "PulseGuardTest" not in shown(fleet)
