"""docker-compose.yml and `make up` run the same product."""

import re
from pathlib import Path

from pulseguard_stack.runner import grafana_component, plan
from tests.compose.compose_file import REPOSITORY, SERVICES, filled_in, mounts, variables

ENVIRONMENT = {name: filled_in(value) for name, value in SERVICES["grafana"]["environment"].items()}
# There it listens on loopback alone, and shows its pages to everybody on the machine.
OF_ONE_MACHINE = {"GF_SERVER_HTTP_ADDR", "GF_AUTH_ANONYMOUS_ENABLED", "GF_AUTH_ANONYMOUS_ORG_ROLE"}


def test_prometheus_keeps_as_much_and_answers_as_long() -> None:
    command = [filled_in(part) for part in SERVICES["prometheus"]["command"]]

    for flag in (
        f"--storage.tsdb.retention.time={plan.RETENTION_TIME}",
        f"--storage.tsdb.retention.size={plan.RETENTION_SIZE}",
        f"--query.timeout={plan.QUERY_SECONDS}s",
        f"--query.max-samples={plan.QUERY_SAMPLES}",
        plan.KEEP_EXEMPLARS,
        "--web.enable-lifecycle",
    ):
        assert flag in command


def test_the_demo_fleet_is_the_same() -> None:
    demo = {
        name: service["command"]
        for name, service in SERVICES.items()
        if service.get("profiles") == ["demo"]
    }

    rates = [f"{flag}={rate}" for flag, rate in plan.FAULT_RATES.items()]
    assert demo.pop("model-server")[4:] == [*rates, f"--stall-seconds={plan.STALL_SECONDS}"]
    assert demo == {name: ["pulseguard", "demo-agent", name] for name in plan.DEMO_AGENTS}


def test_grafana_is_set_as_there_and_wants_a_password() -> None:
    same = grafana_component.SETTINGS.items()

    assert {name: value for name, value in same if name not in OF_ONE_MACHINE}.items() <= (
        ENVIRONMENT.items()
    )
    assert ENVIRONMENT["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert ENVIRONMENT["GF_SECURITY_ADMIN_PASSWORD__FILE"].startswith("/run/secrets/")
    # Its own is the same for everybody.
    assert ENVIRONMENT["GF_SECURITY_SECRET_KEY__FILE"].startswith("/run/secrets/")


def test_grafana_reads_the_provisioning_files_and_dashboards_that_make_up_reads() -> None:
    seen = {source: target for source, target, _ in mounts("grafana")}
    provisioning = REPOSITORY / "grafana" / "provisioning"
    files = sorted(provisioning.rglob("*.yml"))

    assert seen["./grafana/provisioning"] == "/etc/grafana/provisioning"
    assert seen["./grafana/dashboards"] == ENVIRONMENT["PULSEGUARD_DASHBOARDS"]
    home = Path(ENVIRONMENT["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (REPOSITORY / "grafana" / "dashboards" / home.name).is_file()
    wanted = {
        name for file in files for name in re.findall(r"\$(PULSEGUARD_\w+)", file.read_text())
    }
    assert wanted <= ENVIRONMENT.keys()
    assert {file.parent.name for file in files} == {"dashboards", "datasources"}


def test_grafana_asks_as_often_as_prometheus_scrapes() -> None:
    configuration = (REPOSITORY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    (interval,) = re.findall(r"^  scrape_interval: (.+)$", configuration, re.MULTILINE)

    assert ENVIRONMENT["PULSEGUARD_SCRAPE_INTERVAL"] == interval


def test_every_receiver_that_sync_knows_can_be_set() -> None:
    settings = (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")
    receivers = settings.split("## Receivers\n")[1].split("\n## ")[0]
    named = set(re.findall(r"`(PULSEGUARD_[A-Z_]+)`", receivers))

    assert named <= variables().keys() & SERVICES["sync"]["environment"].keys()
