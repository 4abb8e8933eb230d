"""The pages that people see: links and the API's documentation, without the internet."""

from __future__ import annotations

import re

import pytest
import yaml

from pulseguard_prometheus.configuration import shipped_rules
from pulseguard_registry.errors import ConfigurationError
from pulseguard_registry.runbooks import heading_id
from pulseguard_registry.settings import read_settings
from tests.registry.running import RunningRegistry


@pytest.fixture
def registry(shared_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these, which only read."""
    return shared_registry


def test_every_link_of_the_front_page_leads_somewhere(registry: RunningRegistry) -> None:
    page = registry.client.get("/")

    links = re.findall(r'href="([^"]+)"', page.text)
    assert links
    assert [registry.client.get(link).status_code for link in links] == [200] * len(links)


def test_the_runbook_of_each_shipped_alert_has_its_place_on_a_page_open_to_everybody(
    registry: RunningRegistry,
) -> None:
    page = registry.client.get("/runbooks")

    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    headings = set(re.findall(r'<h\d id="([^"]+)">', page.text))
    linked = {
        rule["annotations"]["runbook_url"].removeprefix("docs/runbooks.md#")
        for text in shipped_rules().values()
        for rule in yaml.safe_load(text)["groups"][0]["rules"]
        if "alert" in rule
    }
    assert linked
    assert linked - headings == set()
    links = re.findall(r'href="([^"]+)"', page.text)
    assert links
    assert {link.removeprefix("#") for link in links} - headings == set()


@pytest.mark.parametrize(
    ("heading", "expected"),
    [("AgentDown", "agentdown"), ("Rules from `make up`, twice", "rules-from-make-up-twice")],
)
def test_the_id_of_a_heading_is_that_of_github(heading: str, expected: str) -> None:
    assert heading_id(heading) == expected


def test_the_front_page_leads_to_what_shows_data_where_it_is_known(
    registry: RunningRegistry,
) -> None:
    state = registry.app.state
    before = state.settings

    def links(**settings: str) -> list[tuple[str, str]]:
        state.settings = read_settings(**settings)
        page = registry.client.get("/").text
        state.settings = before
        return re.findall(r'href="(http[^"]*)">(\w+)<', page)

    assert links() == links(grafana_link="", prometheus_link="") == []
    prometheus = "https://watch.example/prometheus/?a=1&b=<2>'\""
    escaped = "https://watch.example/prometheus/?a=1&amp;b=&lt;2&gt;&#x27;&quot;"
    assert links(prometheus_link=prometheus) == [(escaped, "Prometheus")]
    grafana = "http://127.0.0.1:3000"
    both = [(escaped, "Prometheus"), (grafana, "Grafana")]
    assert links(grafana_link=grafana, prometheus_link=prometheus) == both


@pytest.mark.parametrize("wrong", ["javascript:alert(1)", "//host", "http://", "http://h:x", "a b"])
def test_a_link_that_leads_nowhere_is_refused_with_its_setting(
    monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv("PULSEGUARD_GRAFANA_LINK", wrong)
    with pytest.raises(ConfigurationError) as refused:
        read_settings()

    assert str(refused.value).startswith(f"PULSEGUARD_GRAFANA_LINK={wrong!r}: ")
    assert "give http://host:port" in str(refused.value)


def test_a_link_with_a_password_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PULSEGUARD_PROMETHEUS_LINK", "http://me:secret@host:9090")
    with pytest.raises(ConfigurationError, match="without user or password") as refused:
        read_settings()

    assert "secret" not in str(refused.value)


def test_the_documentation_page_loads_nothing_from_elsewhere(registry: RunningRegistry) -> None:
    page = registry.client.get("/docs").text

    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert addresses
    assert not any(address.startswith(("http", "//")) for address in addresses)
    assert [registry.client.get(address).status_code for address in addresses] == [200] * len(
        addresses
    )


def test_every_reference_in_the_openapi_document_is_resolved(registry: RunningRegistry) -> None:
    document = registry.client.get("/openapi.json")

    wanted = set(re.findall(r'"#/components/schemas/([^"]+)"', document.text))
    assert wanted == wanted & set(document.json()["components"]["schemas"])
    heartbeat = document.json()["paths"]["/api/v1/agents/{agent_id}/heartbeat"]["post"]
    assert heartbeat["requestBody"]["content"]["application/json"]["schema"]["$ref"]


def test_every_operation_says_what_it_needs_and_what_it_answers(registry: RunningRegistry) -> None:
    document = registry.client.get("/openapi.json").json()
    open_to_all = {"/api/v1/health", "/api/v1/health/ready"}
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["description"], path
            assert ("security" in operation) == (path not in open_to_all), path
