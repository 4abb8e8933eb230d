"""What is started, with what, and in which order: data, made without touching the machine."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pulseguard_stack.runner.component import Component, answers, has_logged, is_online
from pulseguard_stack.runner.grafana import Grafana
from pulseguard_stack.runner.grafana_component import grafana_component
from pulseguard_stack.runner.places import Places
from pulseguard_stack.runner.ports import HOST
from pulseguard_stack.runner.run_file import Addresses

DEMO_AGENTS = ("support-chat", "coder", "researcher", "invoice-extraction", "data-pipeline")
DEMO_ENVIRONMENT = "demo"
SCRAPE_SECONDS = 5.0
RETENTION_TIME = "90d"
RETENTION_SIZE = "8GB"
QUERY_SECONDS = 30
# 16 bytes each.
QUERY_SAMPLES = 20_000_000
# Else Prometheus drops the exemplars, which graphs show as dots with the id of a trace.
KEEP_EXEMPLARS = "--enable-feature=exemplar-storage"
# Enough for the failures that a fleet knows, few enough for it to look healthy.
FAULT_RATES = {"--rate-429": 0.01, "--rate-500": 0.01, "--rate-timeout": 0.002, "--rate-cut": 0.005}
STALL_SECONDS = 30


@dataclass(frozen=True)
class Programs:
    """Where the programs are that are not ours."""

    prometheus: Path
    alertmanager: Path
    promtool: Path
    amtool: Path
    grafana: Grafana | None = None
    alertmanager_has_page: bool = True


def addresses(ports: Mapping[str, int]) -> Addresses:
    """Where everything answers on these ports."""
    urls = {name: f"http://{HOST}:{port}" for name, port in ports.items()}
    return Addresses(
        registry_url=urls["registry"],
        prometheus_url=urls["prometheus"],
        alertmanager_url=urls["alertmanager"],
        grafana_url=urls.get("grafana"),
        model_server_url=urls.get("model-server"),
    )


def stages(
    where: Addresses, places: Places, programs: Programs, *, new_admin_key: bool = False
) -> Sequence[Sequence[Component]]:
    """The components in the order of their start; those of one stage need not wait for another."""
    first = [_registry(where, places, new_admin_key=new_admin_key)]
    second = [
        _sync(where, places, programs),
        _alertmanager(where, places, programs),
        _prometheus(where, places, programs),
    ]
    last = [*_grafana(where, places, programs)]
    if where.model_server_url is not None:
        second.append(_model_server(where.model_server_url, places))
        last += [
            _agent(name, where.registry_url, where.model_server_url, places) for name in DEMO_AGENTS
        ]
    return [stage for stage in (first, second, last) if stage]


def command(*arguments: str) -> Sequence[str]:
    """The command of this installation, also where its folder of programs is not on PATH."""
    return [sys.executable, "-m", "pulseguard.command", *arguments]


def _registry(where: Addresses, places: Places, *, new_admin_key: bool) -> Component:
    return Component(
        "registry",
        command("registry", "serve", "--host", HOST, "--port", _port(where.registry_url)),
        places.log("registry"),
        answers(f"{where.registry_url}/api/v1/health/ready"),
        {
            "PULSEGUARD_DATA_DIR": str(places.data_dir),
            # The stack needs keys of its own, and the admin key beside the data to make them.
            "PULSEGUARD_GIVEN_KEYS": "",
            "PULSEGUARD_ALERTMANAGER_URL": where.alertmanager_url,
            "PULSEGUARD_PROMETHEUS_URL": where.prometheus_url,
            "PULSEGUARD_PROMETHEUS_LINK": where.prometheus_url,
            "PULSEGUARD_GRAFANA_LINK": where.grafana_url or "",
        },
        # It ends its requests, then PostgreSQL.
        stop_seconds=20.0,
        once=["--new-admin-key"] if new_admin_key else [],
    )


def _sync(where: Addresses, places: Places, programs: Programs) -> Component:
    files = [
        "--targets-file",
        str(places.targets_file),
        "--key-file",
        str(places.key("prometheus")),
        "--prometheus-url",
        where.prometheus_url,
        "--rules-dir",
        str(places.user_rules),
        "--promtool",
        str(programs.promtool),
    ]
    alertmanager = [
        "--alertmanager-config",
        str(places.alertmanager / "alertmanager.yml"),
        "--alertmanager-url",
        where.alertmanager_url,
        "--amtool",
        str(programs.amtool),
    ]
    # The receivers are in the environment of the runner, and so in its own.
    return Component(
        "sync",
        command("sync", "--registry-url", where.registry_url, *files, *alertmanager),
        places.log("sync"),
        # The first list that it has from the registry; an equal one leaves the file as it is.
        has_logged(places.log("sync"), b" targets"),
    )


def _prometheus(where: Addresses, places: Places, programs: Programs) -> Component:
    return Component(
        "prometheus",
        [
            str(programs.prometheus),
            f"--config.file={places.prometheus / 'prometheus.yml'}",
            f"--storage.tsdb.path={places.prometheus / 'data'}",
            f"--storage.tsdb.retention.time={RETENTION_TIME}",
            f"--storage.tsdb.retention.size={RETENTION_SIZE}",
            f"--web.listen-address={HOST}:{_port(where.prometheus_url)}",
            "--web.enable-lifecycle",
            KEEP_EXEMPLARS,
            # No rule of a user's starves the others.
            f"--query.timeout={QUERY_SECONDS}s",
            f"--query.max-samples={QUERY_SAMPLES}",
        ],
        places.log("prometheus"),
        answers(f"{where.prometheus_url}/-/ready"),
        stop_seconds=15.0,
        # Else the last that it sees is agents that are offline, and it shows that for 5 minutes
        # after the next start, beside what they are then.
        watches=True,
    )


def _alertmanager(where: Addresses, places: Places, programs: Programs) -> Component:
    return Component(
        "alertmanager",
        [
            str(programs.alertmanager),
            f"--config.file={places.alertmanager / 'alertmanager.yml'}",
            f"--storage.path={places.alertmanager / 'data'}",
            f"--web.listen-address={HOST}:{_port(where.alertmanager_url)}",
            # No cluster: one machine, and nothing listens beyond loopback.
            "--cluster.listen-address=",
        ],
        places.log("alertmanager"),
        answers(f"{where.alertmanager_url}/-/ready"),
    )


def _grafana(where: Addresses, places: Places, programs: Programs) -> Sequence[Component]:
    if programs.grafana is None or where.grafana_url is None:
        return []
    component = grafana_component(
        programs.grafana,
        where.grafana_url,
        places,
        prometheus_url=where.prometheus_url,
        scrape_seconds=SCRAPE_SECONDS,
    )
    return [component]


def _model_server(url: str, places: Places) -> Component:
    rates = [part for flag, rate in FAULT_RATES.items() for part in (flag, str(rate))]
    stall = ["--stall-seconds", str(STALL_SECONDS)]
    return Component(
        "model-server",
        command("simulated-model-server", "--host", HOST, "--port", _port(url), *rates, *stall),
        places.log("model-server"),
        answers(f"{url}/v1/models"),
    )


def _agent(name: str, registry_url: str, model_server_url: str, places: Places) -> Component:
    return Component(
        name,
        command("demo-agent", name),
        places.log(name),
        is_online(registry_url, places.key("viewer"), environment=DEMO_ENVIRONMENT, agent=name),
        {
            "PULSEGUARD_REGISTRY_URL": registry_url,
            "PULSEGUARD_KEY_FILE": str(places.key("demo")),
            "PULSEGUARD_ENVIRONMENT": DEMO_ENVIRONMENT,
            "PULSEGUARD_INSTANCE": "local-0",
            "PULSEGUARD_METRICS_HOST": HOST,
            "PULSEGUARD_METRICS_PORT": "0",
            "PULSEGUARD_MODEL_SERVER_URL": model_server_url,
            # What the user has set for agents of their own is not meant for these.
            "PULSEGUARD_KEY": "",
            "PULSEGUARD_TEAM": "",
            "PULSEGUARD_METRICS_ADVERTISE": "",
            # Nor is a proxy, which does not reach our loopback.
            "NO_PROXY": HOST,
            "no_proxy": HOST,
        },
    )


def _port(url: str) -> str:
    return url.rpartition(":")[2]
