"""`make urls`: where the services are, how to get in, and from where."""

from __future__ import annotations

import os
import socket

import pytest

from tests.stack.deployment.host import Host

NAME = socket.gethostname()
AS_IT_IS = f"""\
Grafana       http://127.0.0.1:3000       the dashboards
Registry      http://127.0.0.1:8000/docs  the fleet, alert rules and keys: the API with its documentation
Prometheus    http://127.0.0.1:9090       measurements, targets, what fires
Alertmanager  http://127.0.0.1:9093       what is notified to whom, silences

Grafana's user is admin, the password in secrets/grafana/admin.password.
The registry's admin key is in secrets/registry/admin.key.
Each agent gets a copy of secrets/registry/agents.key, and two variables:
  PULSEGUARD_REGISTRY_URL=http://127.0.0.1:8000
  PULSEGUARD_KEY_FILE=<path of the copy>

All four on your own machine, at the same ports of 127.0.0.1 there (user: yours here):
  ssh -N -L 3000:127.0.0.1:3000 -L 8000:127.0.0.1:8000 -L 9090:127.0.0.1:9090 -L 9093:127.0.0.1:9093 user@{NAME}

Only this host reaches them; PULSEGUARD_BIND=0.0.0.0 in .env opens Grafana and registry to whoever reaches this host, past a firewall like ufw.
Prometheus and Alertmanager, which have no login, stay on this host.
They speak no TLS, so that passwords and keys can be read on the way: put a reverse proxy with TLS in front.
"""  # noqa: E501


def write_env(host: Host, text: str) -> None:
    (host.folder / ".env").write_text(text)


def forwards(said: str) -> str:
    (line,) = (line for line in said.splitlines() if "ssh -N" in line)
    return line.strip()


def test_without_a_setting_they_are_on_this_host_alone(host):
    assert host.make("urls") == AS_IT_IS


def test_no_secret_is_shown(host):
    said = host.make("urls")

    assert [path for path, text in host.held().items() if text.strip() in said] == []


def test_where_there_are_no_secrets_the_command_that_makes_them_is_named(fresh):
    said = fresh.make("urls")

    assert "There are no passwords and keys in secrets/ yet: run `make secrets`." in said
    assert "admin.password" not in said
    assert "http://127.0.0.1:3000" in said


def test_ports_come_from_the_file_beside_the_compose_file(host):
    write_env(host, "PULSEGUARD_GRAFANA_PORT='3001'\nexport PULSEGUARD_REGISTRY_PORT=8001 # ours\n")

    said = host.make("urls")

    assert "http://127.0.0.1:3001 " in said
    assert "http://127.0.0.1:8001/docs" in said
    assert "PULSEGUARD_REGISTRY_URL=http://127.0.0.1:8001\n" in said
    assert "-L 3001:127.0.0.1:3001 -L 8001:127.0.0.1:8001 -L 9090:" in forwards(said)


def test_the_environment_goes_before_the_file(host):
    write_env(host, "PULSEGUARD_GRAFANA_PORT=3001\nPULSEGUARD_REGISTRY_PORT=8001\n")

    said = host.make("urls", PULSEGUARD_GRAFANA_PORT="3002", PULSEGUARD_REGISTRY_PORT="")

    assert "http://127.0.0.1:3002 " in said
    assert "http://127.0.0.1:8000/docs" in said, "empty is as none, in Compose too"


@pytest.mark.parametrize(
    ("bind", "shown", "tunnelled"),
    [
        ("0.0.0.0", NAME, "127.0.0.1"),
        ("::", NAME, "[::1]"),
        ("10.0.0.5", "10.0.0.5", "10.0.0.5"),
        ("[fd00::5]", "[fd00::5]", "[fd00::5]"),
    ],
)
def test_beyond_this_host_they_are_shown_as_others_reach_them_with_a_warning(
    host, bind, shown, tunnelled
):
    write_env(host, f"PULSEGUARD_BIND={bind}\n")

    said = host.make("urls")

    assert f"http://{shown}:3000 " in said
    assert f"PULSEGUARD_REGISTRY_URL=http://{shown}:8000\n" in said
    assert forwards(said).startswith(f"ssh -N -L 3000:{tunnelled}:3000 ")
    assert "http://127.0.0.1:9090 " in said
    assert " -L 9090:127.0.0.1:9090 -L 9093:127.0.0.1:9093 " in forwards(said)
    assert (
        f"Attention: PULSEGUARD_BIND={bind.strip('[]')} opens Grafana and registry to whoever"
        in said
    )
    assert "no TLS" in said
    assert "Only this host" not in said


@pytest.mark.parametrize("bind", ["127.0.0.2", "::1"])
def test_any_loopback_address_is_this_host_alone(host, bind):
    said = host.make("urls", PULSEGUARD_BIND=bind)

    assert "Only this host reaches them" in said


@pytest.mark.parametrize("bind", ["localhost", "127.0.0.1:80", "0.0.0", "*", "fe80::1%eth0"])
def test_an_address_that_is_none_is_named_with_its_value_and_the_mend(host, bind):
    write_env(host, f"PULSEGUARD_BIND={bind}\n")

    (line,) = host.refusal("urls")

    assert line.startswith(f"make urls: PULSEGUARD_BIND={bind} (in .env) is no IP address; give ")


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "8000-8010", "9" * 5000, "٣"])
def test_a_port_that_is_none_is_named_with_its_value_and_the_mend(host, port):
    (line,) = host.refusal("urls", PULSEGUARD_PROMETHEUS_PORT=port)

    assert line == (
        f"make urls: PULSEGUARD_PROMETHEUS_PORT={port} (in the environment) is no port; give a"
        " number from 1 to 65535, or leave it out for 9090"
    )


def test_two_services_on_one_port_are_named(host):
    write_env(host, "PULSEGUARD_GRAFANA_PORT=9093\n")

    (line,) = host.refusal("urls")

    assert "PULSEGUARD_GRAFANA_PORT and PULSEGUARD_ALERTMANAGER_PORT are both 9093" in line


def test_all_that_is_wrong_is_said_at_once(host):
    write_env(host, "PULSEGUARD_BIND=here\nPULSEGUARD_GRAFANA_PORT=x\nPULSEGUARD_REGISTRY_PORT=y\n")

    assert len(host.refusal("urls")) == 3


@pytest.mark.parametrize("content", [None, b"PULSEGUARD_BIND=\xff\n"])
def test_a_file_that_cannot_be_read_is_named(host, content):
    env = host.folder / ".env"
    if content is None:
        env.mkdir()
    else:
        env.write_bytes(content)

    (line,) = host.refusal("urls")

    assert line.startswith("make urls: .env cannot be read (")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_who_may_not_look_into_the_folder_is_told_where_things_are(host):
    process = host.start_as_ordinary_user("urls")

    assert process.communicate(timeout=60) == (AS_IT_IS, "")
