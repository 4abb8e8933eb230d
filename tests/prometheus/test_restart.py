"""Prometheus restarted while the registry is away keeps its fleet."""

from pulseguard_prometheus.configuration import render_configuration, shipped_configuration
from tests.prometheus.fakes import fake_agent, list_reply, target
from tests.prometheus_server import PrometheusServer, eventually, free_port

UP = 'up{job="agents",agent="honest"} == 1'


def test_a_restart_without_the_registry_keeps_the_fleet(sync, registry):
    with fake_agent("honest_total 1\n") as agent:
        registry.reply = list_reply(target(agent.address, agent="honest"))
        sync.start(registry.url)
        eventually(sync.targets)
        configuration = render_configuration(
            shipped_configuration(),
            scrape_interval_seconds=0.5,
            registry_address=registry.address,
            alertmanager_address=f"127.0.0.1:{free_port()}",
            prometheus_address=f"127.0.0.1:{free_port()}",
        )
        with PrometheusServer(sync.folder, configuration) as prometheus:
            eventually(lambda: prometheus.query(UP))
            registry.stop()
            prometheus.stop()
            scrapes = len(agent.asked)
            prometheus.start()
            eventually(lambda: len(agent.asked) > scrapes)

            assert eventually(lambda: prometheus.query(UP))
            assert len(prometheus.targets("agents")) == 1
