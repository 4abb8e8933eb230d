"""What is started: every component on loopback, in an order in which each finds what it needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pulseguard_stack.demo.roster import ROSTER
from pulseguard_stack.errors import CannotStart, RegistryRefused
from pulseguard_stack.runner.access_keys import ensure_keys
from pulseguard_stack.runner.component import Component
from pulseguard_stack.runner.places import Places
from pulseguard_stack.runner.plan import DEMO_AGENTS, Programs, addresses, stages
from pulseguard_stack.runner.progress import summary
from pulseguard_stack.runner.requirements import require_receivers
from pulseguard_stack.runner.settings import (
    DEFAULT_PORTS,
    new_key_command,
    read_down_data_dir,
    read_up_settings,
    stop_command,
)

PLACES = Places(Path("/data"))
PROGRAMS = Programs(
    Path("/bin/prometheus"), Path("/bin/alertmanager"), Path("/bin/promtool"), Path("/bin/amtool")
)


def planned(*flags: str) -> dict[str, Component]:
    settings = read_up_settings([*flags], {})
    new_admin_key = settings.new_admin_key
    plan = stages(addresses(settings.ports), PLACES, PROGRAMS, new_admin_key=new_admin_key)
    return {component.name: component for stage in plan for component in stage}


def test_the_demo_agents_are_those_of_the_roster():
    assert set(DEMO_AGENTS) == set(ROSTER)


def test_without_the_demo_neither_agents_nor_model_server_are_run():
    names = ["registry", "sync", "alertmanager", "prometheus"]

    assert list(planned("--no-demo")) == names
    assert list(planned()) == [*names, "model-server", *DEMO_AGENTS]


def test_nothing_listens_beyond_this_machine():
    for component in planned().values():
        said = " ".join(component.command)
        assert "0.0.0.0" not in said
        for port in DEFAULT_PORTS.values():
            assert f" {port}" not in said or "--host 127.0.0.1" in said
            assert f"address=:{port}" not in said


def test_agents_of_the_demo_are_told_apart_from_those_of_the_user():
    environment = planned()["coder"].environment

    assert environment["PULSEGUARD_ENVIRONMENT"] == "demo"
    assert environment["PULSEGUARD_KEY_FILE"] == "/data/stack/keys/demo.key"
    assert environment["PULSEGUARD_INSTANCE"] == "local-0"
    assert environment["PULSEGUARD_KEY"] == ""


def test_sync_keeps_the_rules_that_prometheus_reads_and_that_stay_from_run_to_run():
    command = planned()["sync"].command

    assert command[command.index("--rules-dir") + 1] == "/data/stack/prometheus/user-rules"
    assert command[command.index("--promtool") + 1] == "/bin/promtool"


def test_prometheus_keeps_the_traces_that_graphs_ask_for():
    assert "--enable-feature=exemplar-storage" in planned()["prometheus"].command


def test_a_port_of_the_user_is_told_to_all_who_need_it():
    component = planned("--registry-port", "8001", "--model-server-port", "8090")

    assert "http://127.0.0.1:8001" in component["sync"].command
    assert component["coder"].environment["PULSEGUARD_REGISTRY_URL"] == "http://127.0.0.1:8001"
    assert component["coder"].environment["PULSEGUARD_MODEL_SERVER_URL"] == "http://127.0.0.1:8090"


@pytest.mark.parametrize(("grafana", "link"), [({}, ""), ({"grafana": 1}, "http://127.0.0.1:1")])
def test_the_registry_is_told_what_its_page_leads_to_and_where_alertmanager_is(grafana, link):
    ports = {name: port for name, port in DEFAULT_PORTS.items() if name != "grafana"} | grafana
    ((registry,), *_) = stages(addresses(ports), PLACES, PROGRAMS)

    assert registry.environment["PULSEGUARD_PROMETHEUS_LINK"] == "http://127.0.0.1:9090"
    # Else the stack would have no admin key, and could make none of its keys.
    assert registry.environment["PULSEGUARD_GIVEN_KEYS"] == ""
    assert registry.environment["PULSEGUARD_PROMETHEUS_URL"] == "http://127.0.0.1:9090"
    assert registry.environment["PULSEGUARD_GRAFANA_LINK"] == link
    assert registry.environment["PULSEGUARD_ALERTMANAGER_URL"] == "http://127.0.0.1:9093"


def test_sync_keeps_the_alertmanager_that_is_run():
    sync = planned("--alertmanager-port", "9094")["sync"]

    said = " ".join(sync.command)
    assert "--alertmanager-config /data/stack/alertmanager/alertmanager.yml" in said
    assert "--alertmanager-url http://127.0.0.1:9094" in said


@pytest.mark.parametrize("read", [lambda a, e: read_up_settings(a, e).data_dir, read_down_data_dir])
def test_up_and_down_speak_of_the_same_data_folder(read):
    variable = {"PULSEGUARD_DATA_DIR": "/from/variable"}

    assert read([], variable) == Path("/from/variable")
    assert read(["--data-dir", "/from/flag"], variable) == Path("/from/flag")


def test_what_stops_it_names_a_folder_that_is_not_the_usual_one():
    assert stop_command(read_up_settings([], {}).data_dir) == "make down, or pulseguard down"
    named = read_up_settings(["--data-dir", "/srv/my fleet"], {}).data_dir
    assert stop_command(named) == "pulseguard down --data-dir '/srv/my fleet'"
    by_variable = read_up_settings([], {"PULSEGUARD_DATA_DIR": "/srv/fleet"}).data_dir
    assert stop_command(by_variable) == "pulseguard down --data-dir /srv/fleet"


def test_a_new_admin_key_is_asked_of_the_registry_alone_and_not_unasked():
    asked = planned("--new-admin-key")

    assert {name for name, each in asked.items() if each.once} == {"registry"}
    assert not any(each.once for each in planned().values())


def test_where_nobody_has_the_admin_key_what_makes_another_is_named(tmp_path):
    with pytest.raises(RegistryRefused, match="cannot be read") as refused:
        ensure_keys("http://127.0.0.1:9", Places(tmp_path / "my fleet"))
    usual = new_key_command(read_up_settings([], {}).data_dir)

    assert f"pulseguard up --new-admin-key --data-dir '{tmp_path}/my fleet'" in str(refused.value)
    assert usual == "make up NEW_ADMIN_KEY=1, or pulseguard up --new-admin-key"


def summed_up(*, has_page: bool = True, receivers: Sequence[str] = ("email",)) -> list[str]:
    """What the user reads at the end of a start."""
    return summary(
        addresses(DEFAULT_PORTS),
        PLACES,
        Path("/agent.json"),
        database="embedded",
        demo=True,
        no_grafana=None,
        alertmanager_has_page=has_page,
        receivers=receivers,
        stop="pulseguard down",
    ).splitlines()


@pytest.mark.parametrize("has_page", [True, False])
def test_an_alertmanager_without_a_page_is_said_to_have_an_api(has_page):
    (line,) = [line for line in summed_up(has_page=has_page) if "Alertmanager" in line]

    assert line.endswith(":9093") is has_page
    assert line.endswith("(API; Debian's has no web page)") is not has_page


def test_who_starts_it_without_a_receiver_is_told_that_alerts_reach_nobody():
    (line,) = [line for line in summed_up(receivers=()) if "receivers" in line]

    assert "alerts reach nobody: name a receiver, such as PULSEGUARD_EMAIL_TO; see docs" in line
    assert any("warnings reach nobody: " in line for line in summed_up(receivers=["pagerduty"]))
    (told,) = [line for line in summed_up() if "receivers" in line]
    assert "alerts go to email; try it: " in told


def test_what_to_look_at_next_is_a_command_that_is_there():
    (line,) = [line for line in summed_up() if line.strip().startswith("look")]
    status, preview = line.split(maxsplit=1)[1].split(", ")

    assert Path(status.removesuffix(" status")).is_file()
    assert preview.endswith("pulseguard dashboards preview fleet")


def test_a_receiver_that_cannot_be_used_stops_the_start_with_its_setting(tmp_path):
    named = {"PULSEGUARD_SLACK_WEBHOOK_FILE": str(tmp_path / "missing")}

    with pytest.raises(CannotStart, match=r"PULSEGUARD_SLACK_WEBHOOK_FILE: .*missing cannot be"):
        require_receivers(named)
    with pytest.raises(CannotStart, match="PULSEGUARD_EMAIL_TO 'nobody'"):
        require_receivers({"PULSEGUARD_EMAIL_TO": "nobody"})
    assert require_receivers({"PULSEGUARD_EMAIL_TO": "ops@example.org"}) == ["email"]
    assert require_receivers({}) == []
