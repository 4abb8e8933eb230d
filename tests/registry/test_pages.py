"""The pages that people see: links and the API's documentation, without the internet."""

from __future__ import annotations

import re

from tests.registry.running import RunningRegistry


def test_every_link_of_the_front_page_leads_somewhere(registry: RunningRegistry) -> None:
    page = registry.client.get("/")

    links = re.findall(r'href="([^"]+)"', page.text)
    assert links
    assert [registry.client.get(link).status_code for link in links] == [200] * len(links)


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
