"""`pulseguard agents`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from pulseguard.reporting.keys import own_key_path
from pulseguard_registry.agents.listing import SEARCHED
from tests.exporters.examining import doctor
from tests.registry.operating.conftest import Run
from tests.registry.process import RegistryProcess
from tests.registry.requests import BOUNDS
from tests.registry.running import eventually, registration


@pytest.fixture(scope="module")
def fleet(served: RegistryProcess) -> Mapping[str, str]:
    """Three agents, two of one name: their ids by instance."""
    headers = bearer(served.admin_key())
    ids = {}
    for name, instance in [("invoice-bot", "a"), ("invoice-bot", "b"), ("mail-bot", "c")]:
        said = registration(name, instance=instance, team="[finance]")
        answer = httpx2.post(f"{served.url}/api/v1/agents", json=said, headers=headers)
        ids[instance] = answer.json()["id"]
    return ids


@pytest.fixture(scope="module")
def enrolling(served: RegistryProcess) -> str:
    """A key of role enrolment."""
    said = {"name": "new", "role": "enrolment", **BOUNDS["enrolment"]}
    answer = httpx2.post(f"{served.url}/api/v1/keys", json=said, headers=bearer(served.admin_key()))
    return str(answer.json()["key"])


def bearer(key: str) -> Mapping[str, str]:
    """The header that carries a key."""
    return {"Authorization": f"Bearer {key}"}


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


def test_the_help_of_a_list_says_where_a_text_is_looked_for(
    run: Run, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit):
        run("agents", "list", "--help", COLUMNS="200")

    (line,) = [line for line in capsys.readouterr().out.splitlines() if " --text TEXT " in line]
    assert all(name in line for name in SEARCHED)


@pytest.mark.parametrize(
    ("columns", "titles"),
    [
        (80, ["name", "status", "seen", "id"]),
        (100, ["name", "instance", "team", "status", "seen", "id"]),
        (160, ["name", "instance", "environment", "team", "status", "seen", "version", "id"]),
    ],
)
def test_a_list_has_a_line_for_each_agent_that_fits_the_terminal_and_cuts_no_id(
    run: Run, settings: Mapping[str, str], fleet: Mapping[str, str], columns: int, titles: list[str]
):
    asked = ("agents", "list", "--team", "[finance]")
    lines = run(*asked, COLUMNS=str(columns), **settings).out.splitlines()
    heading, *agents = lines[:4]

    assert heading.split() == titles
    assert [line.split()[-1] for line in agents] == sorted(fleet.values())
    assert max(map(len, lines)) <= columns
    for said in lines[4:]:
        assert re.match("no room for .*environment, .*version: --wide or --json has all$", said)
    assert len(lines) == (4 if columns == 160 else 5)


def test_what_is_piped_or_asked_for_wide_is_never_cut(
    run: Run, settings: Mapping[str, str], served: RegistryProcess
):
    said = registration("n" * 120, instance="i" * 120, environment="wide", team="t" * 120)
    headers = {"Authorization": f"Bearer {served.admin_key()}"}
    httpx2.post(f"{served.url}/api/v1/agents", json=said, headers=headers)
    asked = ("agents", "list", "--environment", "wide")

    piped = run(*asked, **settings).out
    wide = run(*asked, "--wide", COLUMNS="80", **settings).out

    assert wide == piped
    _, line = piped.splitlines()
    assert [word in line.split() for word in ("n" * 120, "i" * 120, "t" * 120)] == [True] * 3
    _, line, _ = run(*asked, COLUMNS="80", **settings).out.splitlines()
    assert re.match(r"n{3,}…n{3,} ", line)


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
    headers = bearer(served.admin_key())
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

    before = datetime.now(UTC)
    planned = run(*asked, "--for", "1h30m", "--reason", "new disk", "--json", **settings).json()
    lasts = datetime.fromisoformat(planned["maintenance_until"]) - before
    assert timedelta(minutes=89) < lasts < timedelta(minutes=91)
    assert "MAINTENANCE  " in run("agents", "list", **settings).out
    assert run(*asked, "--for", "4h", **settings).status == 0
    assert "new disk" in run("agents", "show", "mail-bot", **settings).out
    by_status = run("agents", "list", "--status", "maintenance", "--json", **settings).json()
    assert [agent["id"] for agent in by_status] == [fleet["c"]]
    ended, again = (run(*asked, "--end", **settings).out for _ in range(2))
    assert "MAINTENANCE" not in run("agents", "list", **settings).out
    status = run("agents", "show", "mail-bot", "--json", **settings).json()["agent"]["status"]
    assert f"is under maintenance no more; its status is {status}" in ended
    assert f"was under no maintenance; its status is {status}" in again
    for wrong in ("soon", "", "90", "30m1h", "PT2H"):
        refused = run(*asked, "--for", wrong, **settings)
        assert refused.status == 1
        assert f"--for {wrong!r} is no time" in refused.err
        assert "(y, w, d, h, m, s, ms), like 45m, 1h30m or 1d" in refused.err
    for long in ("9" * 99 + "d", "9" * 9999 + "d"):
        assert "give at most 30d" in run(*asked, "--for", long, **settings).err


def test_a_retired_agent_is_listed_on_request_only_and_comes_back(
    run: Run, settings: Mapping[str, str], fleet: Mapping[str, str]
):
    listed = ("agents", "list", "--retired")
    assert "no agent is retired" in run(*listed, **settings).out
    retired = run("agents", "retire", fleet["b"], **settings)
    assert retired.status == 0
    assert "run" not in retired.out

    assert fleet["b"] not in run("agents", "list", **settings).out
    table = run(*listed, **settings).out
    assert re.search(rf"^invoice-bot +b .* \d s ago .*{fleet['b']} *$", table, re.M)
    (shown,) = run(*listed, "--json", **settings).json()
    assert (shown["id"], shown["retired_at"] is None) == (fleet["b"], False)
    assert "no retired agent is like that" in run(*listed, "--team", "x", **settings).out

    assert run("agents", "retire", "mail-bot", **settings).status == 0
    for verb in ("show", "retire"):
        gone = run("agents", verb, "mail-bot", **settings)
        assert (gone.status, gone.out) == (1, "")
        assert "'mail-bot' is retired (" in gone.err
        assert f"give its id, {fleet['c']}, or" in gone.err
        assert f"pulseguard agents restore {fleet['c']}; all of them: pulseguard agents" in gone.err
    assert run("agents", "restore", "mail-bot", **settings).status == 0

    # Of two of that name the only one that is retired.
    assert "is back" in run("agents", "restore", "invoice-bot", **settings).out
    assert fleet["b"] in run("agents", "list", **settings).out
    again = run("agents", "restore", fleet["b"], **settings)
    assert (again.status, "is not retired" in again.out) == (0, True)
    nobody = run("agents", "restore", "invoice-bot", **settings)
    assert nobody.status == 1
    assert "pulseguard agents list --retired" in nobody.err


def test_who_retires_an_agent_that_runs_is_told_what_it_will_do(
    run: Run, settings: Mapping[str, str], served: RegistryProcess, enrolling: str
):
    path, admin = f"{served.url}/api/v1/agents", bearer(served.admin_key())
    ids = {}
    for name, key in (("shared", served.admin_key()), ("enrolled", enrolling)):
        agent = httpx2.post(path, json=registration(name), headers=bearer(key)).json()
        ids[name] = agent["id"]
        assert httpx2.post(f"{path}/{ids[name]}/heartbeat", json={}, headers=admin).is_success

    shared = run("agents", "retire", "shared", **settings).out
    enrolled = run("agents", "retire", ids["enrolled"], **settings).out
    programs = run("agents", "retire", ids["shared"], "--json", **settings).json()
    back = run("agents", "restore", "shared", **settings).out
    refused = run("agents", "restore", "enrolled", **settings).out

    for out in (shared, enrolled):
        assert re.search(r"seems to run on \(last heartbeat \d s ago\).*End its process", out)
    assert "registers by itself" in shared
    assert "refused" in enrolled
    assert f"pulseguard agents restore {ids['enrolled']}" in enrolled
    assert (programs["id"], programs["back_by"]) == (ids["shared"], "registering")
    assert "enrolled" not in back
    assert "is back; its own key ended" in refused


def test_the_doctor_names_the_verb_that_brings_a_retired_agent_back(
    run: Run,
    settings: Mapping[str, str],
    served: RegistryProcess,
    enrolling: str,
    tmp_path: Path,
):
    said = registration("ill")
    answer = httpx2.post(f"{served.url}/api/v1/agents", json=said, headers=bearer(enrolling))
    agent = answer.json()
    kept = own_key_path(tmp_path, served.url, agent["id"])
    kept.write_text(agent["key"])
    kept.chmod(0o600)
    assert run("agents", "retire", agent["id"], **settings).status == 0
    # The registry believes in a key for a moment longer.
    path, own = f"{served.url}/api/v1/agents/{agent['id']}", bearer(agent["key"])
    eventually(lambda: httpx2.get(path, headers=own).status_code == 401)

    examined = {
        link: doctor(
            *("--json", "--name", "ill", "--instance", said["instance"]),
            PULSEGUARD_REGISTRY_URL=served.url,
            PULSEGUARD_KEY_FOLDER=str(tmp_path),
            PULSEGUARD_KEY=key,
        )
        for link, key in (("key", enrolling), ("registered", served.admin_key()))
    }

    for link, verdict in examined.items():
        name, found, mend = verdict.broken_link()
        assert (name, "is retired" in found) == (link, True)
        assert f"pulseguard agents restore {agent['id']}" in mend
        assert agent["key"] not in verdict.output
