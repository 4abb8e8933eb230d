"""How Grafana is run beside the stack's Prometheus: everything it is told, and nothing else."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from pulseguard_stack.runner.component import Component, answers
from pulseguard_stack.runner.container import (
    container_name,
    end_noted_container,
    note_container,
)
from pulseguard_stack.runner.grafana import IMAGE, Grafana, GrafanaImage, InstalledGrafana
from pulseguard_stack.runner.places import Places
from pulseguard_stack.runner.ports import HOST

NAME = "grafana"
PASSWORD_IN_CONTAINER = "/run/secrets/grafana-admin.password"
DASHBOARDS_IN_CONTAINER = "/etc/grafana/dashboards"
# What is shown first: is everything well, and where not?
HOME_DASHBOARD = "fleet.json"
# Keys of Grafana's defaults.ini as variables, which are above every file of settings.
SETTINGS: Mapping[str, str] = {
    "GF_SERVER_HTTP_ADDR": HOST,
    "GF_LOG_MODE": "console",
    # It listens on this machine only, where Prometheus shows the same to everybody.
    "GF_AUTH_ANONYMOUS_ENABLED": "true",
    "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
    "GF_USERS_ALLOW_SIGN_UP": "false",
    "GF_SECURITY_DISABLE_GRAVATAR": "true",
    "GF_ANALYTICS_REPORTING_ENABLED": "false",
    "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
    "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
    "GF_ANALYTICS_FEEDBACK_LINKS_ENABLED": "false",
    "GF_NEWS_NEWS_FEED_ENABLED": "false",
    "GF_SNAPSHOTS_EXTERNAL_ENABLED": "false",
    "GF_PLUGINS_PLUGIN_ADMIN_ENABLED": "false",
    # At each refresh a page asks Prometheus dozens of queries.
    "GF_DASHBOARDS_MIN_REFRESH_INTERVAL": "10s",
    # 13 replaces the data sources that it brings by newer ones at its start: where that fails
    # half-way, Prometheus is gone (grafana/grafana#132528). Before 13 it knows neither.
    "GF_PLUGINS_PREINSTALL_DISABLED": "true",
    "GF_PLUGINS_PREINSTALL_AUTO_UPDATE": "false",
}


def grafana_component(
    grafana: Grafana, url: str, places: Places, *, prometheus_url: str, scrape_seconds: float
) -> Component:
    """The component; its configuration and its password are in their places when it starts."""
    settings = {
        **SETTINGS,
        "GF_SERVER_HTTP_PORT": url.rpartition(":")[2],
        "PULSEGUARD_PROMETHEUS_URL": prometheus_url,
        "PULSEGUARD_SCRAPE_INTERVAL": f"{scrape_seconds:.0f}s",
    }
    if isinstance(grafana, GrafanaImage):
        return _contained(grafana, url, places, settings)
    return _installed(grafana, url, places, settings)


def _installed(
    grafana: InstalledGrafana, url: str, places: Places, settings: Mapping[str, str]
) -> Component:
    program = str(grafana.program)
    verb = [program] if grafana.program.name == "grafana-server" else [program, "server"]
    return Component(
        NAME,
        [*verb, f"--homepath={grafana.home}", f"--config={places.grafana / 'grafana.ini'}"],
        places.log(NAME),
        answers(f"{url}/api/health"),
        {
            # An empty one is none to Grafana.
            **dict.fromkeys(grafana.foreign_settings, ""),
            **settings,
            **_paths(grafana.home, places),
            **_dashboards(str(places.grafana_dashboards)),
            "GF_SECURITY_ADMIN_PASSWORD": f"$__file{{{places.grafana_password}}}",
        },
        needed=False,
    )


def _paths(home: Path, places: Places) -> Mapping[str, str]:
    data = places.grafana / "data"
    paths = {
        "GF_PATHS_DATA": str(data),
        "GF_PATHS_LOGS": str(data / "log"),
        "GF_PATHS_PLUGINS": str(data / "plugins"),
        "GF_PATHS_PROVISIONING": str(places.grafana / "provisioning"),
    }
    bundled = home / "data" / "plugins-bundled"
    # The program of Debian's package looks in a folder that an ordinary user may not enter.
    return {**paths, "GF_PATHS_BUNDLED_PLUGINS": str(bundled)} if bundled.is_dir() else paths


def _dashboards(folder: str) -> Mapping[str, str]:
    """Where its provisioning looks for them, and which one of them is home."""
    return {
        "PULSEGUARD_DASHBOARDS": folder,
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": f"{folder}/{HOME_DASHBOARD}",
    }


def _contained(
    grafana: GrafanaImage, url: str, places: Places, settings: Mapping[str, str]
) -> Component:
    name = container_name(NAME, places.stack)
    variables = {
        **settings,
        **_dashboards(DASHBOARDS_IN_CONTAINER),
        "GF_SECURITY_ADMIN_PASSWORD": f"$__file{{{PASSWORD_IN_CONTAINER}}}",
    }
    return Component(
        NAME,
        [
            *(str(grafana.docker), "run", "--rm", "--name", name, "--pull", "never"),
            # Its address is this machine's loopback, where it finds Prometheus too.
            *("--network", "host"),
            # The user of the stack, root as well: data and password are this user's files.
            *("--user", grafana.user, "--cap-drop", "ALL"),
            *("--security-opt", "no-new-privileges"),
            # What it writes reaches our log; Docker's own copy of it would grow without end.
            *("--log-driver", "none"),
            *_mounts(places),
            *(part for pair in variables.items() for part in _variable(*pair)),
            IMAGE,
        ],
        places.log(NAME),
        answers(f"{url}/api/health"),
        needed=False,
        clear_away=partial(_make_room, places.grafana_container, grafana.docker, name),
    )


def _make_room(note: Path, docker: Path, name: str) -> None:
    """No container has the name after this; the note is there before the next one is."""
    end_noted_container(note)
    note_container(note, docker, name)


def _mounts(places: Places) -> Sequence[str]:
    data = places.grafana / "data"
    return [
        *("--mount", _mount(data, "/var/lib/grafana")),
        *("--mount", _mount(places.grafana / "provisioning", "/etc/grafana/provisioning", "ro")),
        *("--mount", _mount(places.grafana_dashboards, DASHBOARDS_IN_CONTAINER, "ro")),
        *("--mount", _mount(places.grafana_password, PASSWORD_IN_CONTAINER, "ro")),
    ]


def _mount(source: Path, target: str, *options: str) -> str:
    # A line of CSV: quoted, a path may hold a comma. `-v` would split it at each colon.
    quoted = str(source).replace('"', '""')
    return ",".join(["type=bind", f'"source={quoted}"', f"target={target}", *options])


def _variable(name: str, value: str) -> Sequence[str]:
    return ["--env", f"{name}={value}"]
