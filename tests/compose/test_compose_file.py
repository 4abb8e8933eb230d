"""What docker-compose.yml promises of every service at once."""

import re

import pytest

from tests.compose.compose_file import (
    COMPOSE,
    LASTING,
    ONE_SHOT,
    REPOSITORY,
    SERVICES,
    TEXT,
    filled_in,
    mounts,
    variables,
)

DOCKERFILE = (REPOSITORY / "docker" / "Dockerfile").read_text(encoding="utf-8")
OURS = {"pulseguard-registry", "pulseguard-sync", "pulseguard-demo"}
DEMO = {name for name, service in SERVICES.items() if service.get("profiles") == ["demo"]}
# Below what Docker would give otherwise: the whole machine.
LIMITS = ("mem_limit", "cpus", "pids_limit")
AGENTS = DEMO - {"model-server"}


def image(service: str) -> tuple[str, str]:
    name, _, tag = filled_in(SERVICES[service]["image"]).rpartition(":")
    return name, tag


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_do_no_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not {"privileged", "cap_add", "pid", "ipc", "devices"} & service.keys()
    assert [limit for limit in LIMITS if not service.get(limit)] == []
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert all(source != "/var/run/docker.sock" for source, _, _ in mounts(name))


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_runs_as_a_user_of_its_own_from_an_image_that_is_pinned(name: str) -> None:
    repository, tag = image(name)

    if repository in OURS:
        # Built here, of what is in this checkout; its last USER is none of the machine's.
        target = "demo" if name in DEMO else SERVICES[name]["build"]["target"]
        stage = DOCKERFILE.split(f" AS {target}\n")[1].split("\nFROM ")[0]
        (user,) = re.findall(r"^USER (\d+):\d+$", stage, re.MULTILINE)
        assert int(user) >= 10_000
    else:
        assert re.fullmatch(r"v?\d+\.\d+(\.\d+)?(-[a-z]+)?", tag), tag
        assert str(SERVICES[name]["user"]).split(":")[0] not in ("", "0", "root")


def test_no_two_services_share_a_user_but_the_agents_and_prometheus_with_alertmanager() -> None:
    users = {name: str(SERVICES[name].get("user", image(name)[0])) for name in LASTING}

    shared = {user: {name for name in users if users[name] == user} for user in users.values()}
    assert {frozenset(names) for names in shared.values() if len(names) > 1} == {
        frozenset(DEMO),
        # Both images bring the same one, and are in the same network.
        frozenset({"prometheus", "alertmanager"}),
    }


@pytest.mark.parametrize("name", LASTING)
def test_what_ends_is_started_again_and_what_hangs_is_ended(name: str) -> None:
    service = SERVICES[name]

    assert service["restart"] == "unless-stopped"
    assert service["entrypoint"] == ["/usr/local/bin/watched"]
    assert service["environment"]["ALIVE"]
    assert ("./docker/watched", "/usr/local/bin/watched", True) in mounts(name)
    assert service["healthcheck"]["test"] == ["CMD", "/usr/local/bin/watched", "--healthy"]
    asks = service["environment"]["ALIVE"] + service["environment"].get("READY", "")
    for script in ("answers", "prometheus-alive"):
        mounted = (f"./docker/{script}", f"/usr/local/bin/{script}", True) in mounts(name)
        assert (f"{script} " in asks) == mounted


@pytest.mark.parametrize("name", LASTING)
def test_a_service_starts_after_what_it_needs_is_healthy_and_all_after_the_secrets(
    name: str,
) -> None:
    conditions = {
        needed: condition["condition"] for needed, condition in SERVICES[name]["depends_on"].items()
    }
    assert conditions
    for needed, condition in conditions.items():
        wanted = "service_completed_successfully" if needed == ONE_SHOT else "service_healthy"
        assert condition == wanted
        # Else a file without the profile would be none.
        assert name in DEMO or needed not in DEMO


@pytest.mark.parametrize("name", LASTING)
def test_ports_are_published_on_this_machine_unless_one_variable_says_otherwise(name: str) -> None:
    # Whoever reaches the other two may change what they do.
    opened = name in ("registry", "grafana")
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("${PULSEGUARD_BIND:-127.0.0.1}:" if opened else "127.0.0.1:${")
    pages = {"registry", "prometheus", "alertmanager", "grafana"}
    assert bool(SERVICES[name].get("ports")) == (name in pages)


def test_agents_reach_the_registry_and_are_scraped_and_reach_nothing_else() -> None:
    in_network = {
        network: {name for name in LASTING if network in SERVICES[name]["networks"]}
        for network in COMPOSE["networks"]
    }

    assert in_network["agents"] == DEMO | {"registry", "prometheus"}
    assert in_network["database"] == {"postgres", "registry"}
    assert in_network["monitoring"].isdisjoint(DEMO | {"postgres"})
    for network in ("agents", "database"):
        assert COMPOSE["networks"][network] == {"internal": True}
    # By its name it listens in the network of the monitoring alone: who reaches it may end it.
    assert "--web.listen-address=prometheus:9090" in SERVICES["prometheus"]["command"]


def test_each_service_sees_its_own_secrets_and_only_reads_them() -> None:
    seen = {
        name: {source for source, _, _ in mounts(name) if source.startswith("./secrets/")}
        for name in SERVICES
    }

    receivers = "./secrets/receivers"
    assert seen == {
        **{name: {"./secrets/demo-agents"} for name in AGENTS},
        "model-server": set(),
        "make-secrets": {"./secrets/registry"},
        "registry": {"./secrets/registry"},
        "postgres": {"./secrets/postgres"},
        "sync": {"./secrets/prometheus", receivers},
        "alertmanager": {"./secrets/prometheus", receivers},
        "prometheus": {"./secrets/prometheus"},
        "grafana": {"./secrets/grafana"},
    }
    for name in SERVICES:
        for source, _, only_read in mounts(name):
            assert only_read or not source.startswith("."), (name, source)


def test_what_is_mounted_from_the_checkout_is_in_it() -> None:
    for name in SERVICES:
        for source, _, _ in mounts(name):
            if source.startswith("./"):
                assert (REPOSITORY / source).exists(), source
            else:
                assert source in COMPOSE["volumes"]


def test_no_password_and_no_key_is_in_the_environment() -> None:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|KEY|PEPPER|DATABASE_URL|WEBHOOK", variable):
                assert variable.endswith(("FILE", "_KEYS")), (name, variable)
                assert not value or "/run/" in value or "_FILE:-}" in value


def test_every_variable_is_explained_with_its_default_and_no_other() -> None:
    example = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    explained = dict(re.findall(r"^#([A-Z_]+)=(.*)$", example, re.MULTILINE))

    # Of Compose itself.
    assert explained.pop("COMPOSE_PROFILES") == ""
    assert explained == variables()


def test_the_images_named_twice_are_the_same() -> None:
    arguments = dict(re.findall(r"^ARG ([A-Z]+)_IMAGE=(.+)$", DOCKERFILE, re.MULTILINE))

    assert arguments["PROMETHEUS"] == SERVICES["prometheus"]["image"]
    assert arguments["ALERTMANAGER"] == SERVICES["alertmanager"]["image"]
    assert TEXT.count(arguments["PROMETHEUS"]) == 1


@pytest.mark.parametrize(
    ("name", "least"), [("prometheus", (3, 13)), ("grafana", (13, 2, 2)), ("postgres", (18,))]
)
def test_what_is_pinned_is_new_enough(name: str, least: tuple[int, ...]) -> None:
    _, tag = image(name)

    assert tuple(int(part) for part in re.findall(r"\d+", tag))[: len(least)] >= least
