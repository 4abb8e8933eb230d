"""Which Grafana is taken, with what it is run, and what is said where there is none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from pulseguard_grafana.configuration import shipped_dashboards
from pulseguard_stack.errors import GrafanaMissing
from pulseguard_stack.runner.component import Component
from pulseguard_stack.runner.container import end_noted_container, note_container
from pulseguard_stack.runner.grafana import (
    IMAGE,
    Grafana,
    GrafanaImage,
    InstalledGrafana,
    find_grafana,
)
from pulseguard_stack.runner.grafana_component import SETTINGS
from pulseguard_stack.runner.places import Places
from pulseguard_stack.runner.plan import Programs, addresses, stages
from pulseguard_stack.runner.settings import DEFAULT_PORTS, read_up_settings
from pulseguard_stack.runner.supervision import Supervision
from tests.stack.runner.stand_ins import make_home, put_docker, put_grafana, put_script

GOOD = "exit 0"


class Heard(list[str]):
    """Collects what is said; find_grafana's `say`, and the supervision's reporter."""

    def given_up(self, name: str, reason: str) -> None:
        self.append(f"{name}: {reason}")

    def starting(self, names: Sequence[str], saying: str) -> None: ...

    def ready(self, name: str, seconds: float) -> None:
        self.append(f"{name} ready")

    def ended(self, name: str, status: int, log: Path) -> None: ...

    def not_restarted(self, name: str, problem: OSError) -> None:
        self.append(f"{name} not restarted: {problem}")


def find(
    *folders: Path,
    said: Heard | None = None,
    homes: Sequence[Path] = (),
    variables: Mapping[str, str] | None = None,
) -> Grafana:
    path = os.pathsep.join(map(str, folders))
    heard = Heard() if said is None else said
    return find_grafana({"PATH": path, **(variables or {})}, say=heard.append, package_homes=homes)


def planned(grafana: Grafana, places: Places) -> Component:
    program = Path("/bin/true")
    programs = Programs(program, program, program, program, grafana)
    for stage in stages(addresses(DEFAULT_PORTS), places, programs):
        for component in stage:
            if component.name == "grafana":
                return component
    raise AssertionError("Grafana is not started")


def test_an_archive_has_its_home_above_the_program(tmp_path):
    folder = put_grafana(tmp_path / "grafana-13")

    assert find(folder) == InstalledGrafana(folder / "grafana", tmp_path / "grafana-13")


def test_a_link_on_path_leads_to_the_home_of_homebrew(tmp_path):
    prefix = tmp_path / "Cellar" / "grafana"
    put_script(prefix / "bin" / "grafana", GOOD)
    make_home(prefix / "share" / "grafana")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "grafana").symlink_to(prefix / "bin" / "grafana")

    found = find(tmp_path / "bin")

    assert found == InstalledGrafana(tmp_path / "bin" / "grafana", prefix / "share" / "grafana")


def test_the_program_of_a_system_package_has_its_home_elsewhere(tmp_path):
    put_script(tmp_path / "sbin" / "grafana-server", GOOD)
    make_home(tmp_path / "package")

    found = find(tmp_path / "sbin", homes=[tmp_path / "package"])

    assert found == InstalledGrafana(tmp_path / "sbin" / "grafana-server", tmp_path / "package")
    assert planned(found, Places(tmp_path)).command[1].startswith("--homepath=")


def test_a_home_that_is_named_comes_first(tmp_path):
    folder = put_grafana(tmp_path / "grafana-13")
    make_home(tmp_path / "named")

    found = find(folder, variables={"GF_PATHS_HOME": str(tmp_path / "named")})

    assert isinstance(found, InstalledGrafana)
    assert found.home == tmp_path / "named"


def test_a_program_without_a_home_is_named_and_docker_is_taken(tmp_path):
    put_script(tmp_path / "bin" / "grafana", GOOD)
    docker, said = put_docker(tmp_path / "docker"), Heard()

    found = find(tmp_path / "bin", docker, said=said)

    assert found == GrafanaImage(docker / "docker", f"{os.getuid()}:{os.getgid()}")
    assert f"{tmp_path / 'bin' / 'grafana'} cannot be used" in said[0]
    assert "GF_PATHS_HOME" in said[0]


def test_an_image_that_is_there_is_not_fetched(tmp_path):
    docker, said = put_docker(tmp_path / "docker"), Heard()
    (docker / "state" / "image").touch()
    (docker / "state" / "unreachable").touch()

    assert isinstance(find(docker, said=said), GrafanaImage)
    assert said == []


def test_an_image_that_cannot_be_pulled_is_one_line_with_the_reason(tmp_path):
    docker = put_docker(tmp_path / "docker")
    (docker / "state" / "unreachable").touch()

    with pytest.raises(GrafanaMissing, match="its image could not be pulled") as missing:
        find(docker)

    assert_is_short(missing.value)
    assert f"{IMAGE} could not be pulled" in missing.value.detail
    assert "no such host" in missing.value.detail


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'Cannot connect to the Docker daemon' >&2; exit 1", "daemon does not run"),
        # Clients before 23: only `version` says why.
        (
            "test $1 = info && echo template >&2 || echo 'permission denied' >&2; exit 1",
            "refuses this user",
        ),
        (f"echo 'another {'long ' * 30} story' >&2; exit 1", "cannot run it"),
        ("echo '[name=seccomp name=rootless]'", "rootless"),
    ],
)
def test_a_docker_that_cannot_run_it_is_one_line_with_the_reason(tmp_path, script, reason):
    put_script(tmp_path / "bin" / "docker", script)

    with pytest.raises(GrafanaMissing, match=rf"Docker.*{reason}") as missing:
        find(tmp_path / "bin", Path("/bin"))

    assert_is_short(missing.value)
    assert missing.value.detail, "for the log"


def assert_is_short(missing: GrafanaMissing) -> None:
    """It stands in the summary, in a line with where to read on."""
    assert len(str(missing)) <= 50


def test_settings_of_another_grafana_are_not_for_ours(tmp_path):
    variables = {"GF_DATABASE_URL": "mysql://theirs", "GF_SERVER_HTTP_ADDR": "0.0.0.0"}

    environment = planned(
        find(put_grafana(tmp_path), variables=variables), Places(tmp_path)
    ).environment

    assert environment["GF_DATABASE_URL"] == ""
    assert environment["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    assert environment["GF_ANALYTICS_REPORTING_ENABLED"] == "false"
    assert environment["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
    assert environment["GF_SECURITY_ADMIN_PASSWORD"].startswith("$__file{")


def test_grafana_lets_every_dashboard_be_refreshed_as_often_as_it_says():
    least = SETTINGS["GF_DASHBOARDS_MIN_REFRESH_INTERVAL"]
    refreshed = [json.loads(text)["refresh"] for text in shipped_dashboards().values()]

    assert refreshed
    assert all(int(least.removesuffix("s")) <= int(each.removesuffix("s")) for each in refreshed)


def test_plugins_that_came_with_it_are_looked_for_in_its_home(tmp_path):
    (tmp_path / "data" / "plugins-bundled").mkdir(parents=True)

    component = planned(find(put_grafana(tmp_path)), Places(tmp_path))

    bundled = component.environment["GF_PATHS_BUNDLED_PLUGINS"]
    assert bundled == str(tmp_path / "data" / "plugins-bundled")


def test_a_mounted_path_may_hold_what_divides_mounts():
    image = GrafanaImage(Path("/bin/docker"), "1000:1000")

    command = planned(image, Places(Path('/a, b: "c"'))).command

    source = '"source=/a, b: ""c""/stack/grafana/data"'
    assert f"type=bind,{source},target=/var/lib/grafana" in command


def test_two_stacks_have_containers_of_different_names():
    image = GrafanaImage(Path("/bin/docker"), "1000:1000")
    one, two = (planned(image, Places(Path(name))).command for name in ("/one", "/two"))
    name = one[one.index("--name") + 1]

    assert name.startswith("pulseguard-grafana-")
    assert name not in two
    assert name in planned(image, Places(Path("/one"))).command


def test_a_container_is_ended_as_soon_as_docker_answers_again(tmp_path):
    docker, note = put_docker(tmp_path / "docker"), tmp_path / "container.json"
    containers = docker / "state" / "containers"
    containers.mkdir()
    with subprocess.Popen(["sleep", "60"]) as running:
        (containers / "ours").write_text(str(running.pid))
        note_container(note, docker / "docker", "ours")
        (docker / "state" / "down").touch()
        assert not end_noted_container(note)
        assert running.poll() is None

        (docker / "state" / "down").unlink()
        assert end_noted_container(note)
        assert running.wait(5) == -signal.SIGTERM
    assert list(containers.iterdir()) == []
    assert not note.exists()
    assert not end_noted_container(note)


def test_no_grafana_is_a_flag():
    settings = read_up_settings(["--no-grafana"], {})

    assert not settings.grafana
    assert "grafana" not in settings.ports
    assert read_up_settings([], {}).ports["grafana"] == 3000


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'no space left' >&2; exit 3", "ended at its start (no space left)"),
        ("echo 'nothing listens there'; exec sleep 60", "after 0 s (nothing listens there)"),
        (None, "cannot be started ([Errno 8] Exec format error"),
    ],
)
def test_what_is_not_needed_and_does_not_become_ready_is_left_out_and_ended(
    tmp_path, script, reason
):
    program, said, cleared = put_script(tmp_path / "program", script or ""), Heard(), Heard()
    if script is None:
        program.write_bytes(b"\x7fELF of another machine")
    component = Component(
        "extra",
        [str(program)],
        tmp_path / "extra.log",
        lambda start: False,
        ready_seconds=0.3,
        needed=False,
        clear_away=lambda: cleared.append("cleared"),
    )
    rest = Component("rest", ["sleep", "60"], tmp_path / "rest.log", lambda start: True)
    running: list[str] = []
    supervision = Supervision(
        tmp_path,
        said,
        stopping=lambda: False,
        changed=lambda components: running.__setitem__(
            slice(None), [each.name for each in components]
        ),
    )

    supervision.start([component, rest])
    supervision.watch()

    assert reason in supervision.given_up["extra"]
    assert sorted(said) == sorted([f"extra: {supervision.given_up['extra']}", "rest ready"])
    assert running == ["rest"]
    assert cleared == ["cleared", "cleared"]
    assert supervision.stop() == []
