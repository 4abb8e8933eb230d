"""`pulseguard agents`."""

from __future__ import annotations

import re
from collections.abc import Mapping

import httpx2
import pytest

from tests.registry.operating.conftest import Run
from tests.registry.process import RegistryProcess
from tests.registry.running import registration


@pytest.fixture(scope="module")
def fleet(served: RegistryProcess) -> Mapping[str, str]:
    """Three agents, two of one name: their ids by instance."""
    headers = {"Authorization": f"Bearer {served.admin_key()}"}
    ids = {}
    for name, instance in [("invoice-bot", "a"), ("invoice-bot", "b"), ("mail-bot", "c")]:
        said = registration(name, instance=instance, team="[finance]")
        answer = httpx2.post(f"{served.url}/api/v1/agents", json=said, headers=headers)
        ids[instance] = answer.json()["id"]
    return ids


def test_agents_are_listed_for_people_and_for_programs(
    run: Run, settings: Mapping[str, str], fleet: Mapping[str, str]
):
    table = run("agents", "list", **settings).out
    listed = run("agents", "list", "--name", "invoice-bot", "--json", **settings).json()

    assert all(each in table for each in fleet.values())
    assert "[finance]" in table
    assert "UNKNOWN (never_heard)" in table
    assert {agent["id"] for agent in listed} == {fleet["a"], fleet["b"]}
    assert "no agent is like that" in run("agents", "list", "--name", "x", **settings).out


def test_an_agent_is_named_by_its_id_or_by_a_name_that_only_it_has(
    run: Run, settings: Mapping[str, str], fleet: Mapping[str, str]
):
    by_name = run("agents", "show", "mail-bot", "--json", **settings).json()
    both = run("agents", "show", "invoice-bot", **settings)

    assert by_name["agent"]["id"] == fleet["c"]
    assert "never_heard" in run("agents", "show", fleet["a"], **settings).out
    assert both.status == 1
    assert fleet["a"] in both.err
    assert fleet["b"] in both.err
    assert "pulseguard agents list" in run("agents", "show", "nobody", **settings).err


def test_an_agent_is_shown_with_what_does_not_fit_together(
    run: Run, settings: Mapping[str, str], fleet: Mapping[str, str], served: RegistryProcess
):
    path = f"{served.url}/api/v1/agents/{fleet['c']}/heartbeat"
    headers = {"Authorization": f"Bearer {served.admin_key()}"}
    before = run("agents", "show", "mail-bot", **settings).out
    for process in ("web-1:7:aa", "web-2:8:bb", "web-1:7:aa"):
        httpx2.post(path, json={"process": process}, headers=headers)
    after = run("agents", "show", "mail-bot", **settings).out
    health = run("agents", "show", "mail-bot", "--json", **settings).json()["health"]

    assert re.search(r"^health score +unknown *$", before, re.M)
    assert re.search(r"^health score +1\.00 *$", after, re.M)
    assert re.search(r"^disagreements +none *$", before, re.M)
    assert re.search(r"^disagreements +two_processes *$", after, re.M)
    assert re.search(r"^processes +web-1:7:aa web-2:8:bb *$", after, re.M)
    assert health["disagreements"] == ["two_processes"]


def test_an_agent_is_taken_into_maintenance_and_out_of_it(
    run: Run, settings: Mapping[str, str], fleet: Mapping[str, str]
):
    asked = ["agents", "maintenance", "mail-bot"]

    assert run(*asked, "--for", "2h", "--reason", "new disk", **settings).status == 0
    assert "MAINTENANCE" in run("agents", "list", **settings).out
    assert run(*asked, "--end", **settings).status == 0
    assert "MAINTENANCE" not in run("agents", "list", **settings).out
    assert "give one like" in run(*asked, "--for", "soon", **settings).err


def test_a_retired_agent_is_listed_no_more(
    run: Run, settings: Mapping[str, str], fleet: Mapping[str, str]
):
    assert run("agents", "retire", fleet["b"], **settings).status == 0

    assert fleet["b"] not in run("agents", "list", **settings).out
