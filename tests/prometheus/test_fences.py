"""A real Prometheus under the shipped configuration, with a hostile target list and targets."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from pulseguard_prometheus.configuration import render_configuration, shipped_configuration
from pulseguard_prometheus.scrapes import scrapes_of
from tests.prometheus.fakes import FakeServer, Reply, fake_agent, fake_server, target
from tests.prometheus_server import PrometheusServer, eventually, free_port

KEY = "pgp_0123456789"
SCRAPES = 3  # of one target, before anything is looked at

AGENT_ID = "0f8c4b0e-3f0e-5a52-8f5e-0a4a1f0f7a55"
STEERING = {
    "__scrape_interval__": "10ms",
    "__scrape_timeout__": "10ms",
    "__metrics_path__": "/steered",
    "__scheme__": "https",
    "__param_steered": "yes",
    "__param_agent_id": "another",
    "__address__": "127.0.0.1:1",
    "job": "prometheus",
}
IMPERSONATION = """\
honest_total 1
ALERTS{alertname="AgentDown",alertstate="firing"} 1
ALERTS_FOR_STATE{alertname="AgentDown"} 1
pulseguard:agent_tokens_processed:rate5m 1e9
pulseguard_registry_agents 1e6
scrape_samples_scraped 7
up 0
borrowed{job="registry",instance="registry:8000",agent="another"} 1
from_the_future 1 32503680000000
"""
REGISTRY_AGENTS = 'pulseguard_registry_agent_status{instance="host-0",status="ONLINE"} 1\n'


@dataclass(frozen=True)
class Fleet:
    """Prometheus and those it scrapes, by name."""

    prometheus: PrometheusServer
    agents: dict[str, FakeServer]
    registry: FakeServer
    elsewhere: FakeServer

    def up(self, agent: str) -> float | None:
        return self.prometheus.value(f'up{{job="agents",agent="{agent}"}}')

    def scraped(self, agent: str) -> bool:
        return len(self.agents[agent].asked) >= SCRAPES


def samples(count: int, padding: int = 1) -> str:
    return "".join(f'flood{{n="{n}",p="{"x" * padding}"}} 1\n' for n in range(count))


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with ExitStack() as stack:
        elsewhere = stack.enter_context(fake_agent("stolen 1\n"))
        registry = stack.enter_context(fake_agent(REGISTRY_AGENTS))
        redirect = Reply(302, {"Location": f"{elsewhere.url}/metrics"})
        agents = {
            "honest": stack.enter_context(fake_agent("honest_total 1\n")),
            "steering": stack.enter_context(fake_agent("honest_total 1\n")),
            "redirecting": stack.enter_context(fake_server(lambda asked: redirect)),
            "impersonating": stack.enter_context(fake_agent(IMPERSONATION)),
            "many samples": stack.enter_context(fake_agent(samples(3_000))),
            "allowed samples": stack.enter_context(fake_agent(samples(2_500))),
            "long value": stack.enter_context(fake_agent(samples(1, padding=201))),
            "many labels": stack.enter_context(
                fake_agent("wide{" + ",".join(f'l{n}="1"' for n in range(31)) + "} 1\n")
            ),
            "large body": stack.enter_context(fake_agent("# " + "x" * 5_000_000 + "\na 1\n")),
        }
        folder = tmp_path_factory.mktemp("fleet")
        write_files(folder, agents)
        server = PrometheusServer(folder, configuration(registry))
        prometheus = stack.enter_context(server)
        fleet = Fleet(prometheus, agents, registry, elsewhere)
        eventually(lambda: all(fleet.scraped(agent) for agent in agents), timeout_seconds=40)
        eventually(lambda: len(registry.asked) >= 2 * SCRAPES)
        yield fleet


def write_files(folder: Path, agents: dict[str, FakeServer]) -> None:
    for name in ("targets", "secrets"):
        (folder / name).mkdir()
    (folder / "secrets" / "prometheus.key").write_text(f"{KEY}\n")
    more = {"steering": STEERING, "honest": {"agent_id": AGENT_ID}}
    targets = [
        target(server.address, agent=name, **more.get(name, {})) for name, server in agents.items()
    ]
    (folder / "targets" / "agents.json").write_text(json.dumps(targets))


def configuration(registry: FakeServer) -> str:
    return render_configuration(
        shipped_configuration(),
        scrape_interval_seconds=0.5,
        registry_address=registry.address,
        alertmanager_address=f"127.0.0.1:{free_port()}",
        prometheus_address=f"127.0.0.1:{free_port()}",
    )


def test_every_agent_is_scraped_at_the_one_pace(fleet):
    intervals = {each["scrapeInterval"] for each in fleet.prometheus.targets("agents")}

    assert intervals == {"500ms"}


def test_what_is_scraped_is_told_of_agents_alone(fleet):
    assert scrapes_of({"data": {"activeTargets": fleet.prometheus.targets()}}) == {AGENT_ID: "up"}


def test_a_target_list_cannot_steer_the_scrape(fleet):
    assert fleet.up("steering") == 1
    assert {asked.path for asked in fleet.agents["steering"].asked} == {"/metrics"}
    (found,) = [
        each for each in fleet.prometheus.targets() if each["labels"].get("agent") == "steering"
    ]
    assert found["labels"]["job"] == "agents"
    assert found["scrapeTimeout"] == "500ms"


def test_a_scrape_names_the_agent_that_it_is_meant_for(fleet):
    assert {asked.path for asked in fleet.agents["honest"].asked} == {
        f"/metrics?agent_id={AGENT_ID}"
    }
    (sample,) = fleet.prometheus.query("honest_total{agent='honest'}")
    assert sample.labels["agent_id"] == AGENT_ID
    assert not [name for name in sample.labels if "param" in name]


def test_a_redirect_is_not_followed(fleet):
    assert fleet.up("redirecting") == 0
    assert fleet.elsewhere.asked == []


def test_the_key_goes_to_the_registry_and_to_no_agent(fleet):
    def credentials(server: FakeServer) -> set[str | None]:
        return {asked.headers.get("Authorization") for asked in server.asked}

    assert credentials(fleet.registry) == {f"Bearer {KEY}"}
    assert all(credentials(server) == {None} for server in fleet.agents.values())


@pytest.mark.parametrize(
    "name",
    [
        "ALERTS",
        "ALERTS_FOR_STATE",
        "pulseguard:agent_tokens_processed:rate5m",
        "pulseguard_registry_agents",
    ],
)
def test_an_agent_cannot_speak_as_prometheus_or_the_registry(fleet, name):
    assert fleet.prometheus.value('honest_total{agent="impersonating"}') == 1
    assert fleet.prometheus.query(f'{{__name__="{name}"}}') == []


def test_an_agent_cannot_forge_the_report_on_its_scrape(fleet):
    assert fleet.up("impersonating") == 1
    assert fleet.prometheus.value('scrape_samples_scraped{agent="impersonating"}') == 9


def test_labels_of_a_series_do_not_replace_those_of_the_target(fleet):
    (borrowed,) = fleet.prometheus.query("borrowed")

    assert borrowed.labels["job"] == "agents"
    assert borrowed.labels["agent"] == "impersonating"
    assert borrowed.labels["instance"] == fleet.agents["impersonating"].address


def test_an_agent_does_not_choose_its_time(fleet):
    assert fleet.prometheus.value("from_the_future") == 1


@pytest.mark.parametrize("agent", ["many samples", "long value", "many labels", "large body"])
def test_who_exceeds_a_limit_is_down_and_leaves_nothing(fleet, agent):
    assert fleet.up(agent) == 0
    assert fleet.prometheus.query(f'{{agent="{agent}",__name__=~"flood|wide|a"}}') == []


def test_who_keeps_the_limits_is_up_whatever_the_others_do(fleet):
    assert fleet.up("honest") == 1
    assert fleet.up("allowed samples") == 1
    assert fleet.prometheus.value('count(flood{agent="allowed samples"})') == 2_500


def test_series_of_the_registry_carry_the_instance_of_the_agent(fleet):
    (status,) = fleet.prometheus.query('pulseguard_registry_agent_status{job="registry-agents"}')

    assert status.labels["instance"] == "host-0"
    assert "exported_instance" not in status.labels
    assert {asked.path for asked in fleet.registry.asked} == {"/metrics", "/metrics/agents"}
