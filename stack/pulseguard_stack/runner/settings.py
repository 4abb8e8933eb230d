"""The settings of `pulseguard up` and `pulseguard down`: flag, then variable."""

import argparse
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pulseguard_registry.data_dir import default_data_dir

DEFAULT_PORTS: Mapping[str, int] = {
    "registry": 8000,
    "prometheus": 9090,
    "alertmanager": 9093,
    "model-server": 8089,
    "grafana": 3000,
}


@dataclass(frozen=True)
class Settings:
    """What `pulseguard up` is to run: the ports are of what is run, 0 is any free one."""

    data_dir: Path
    ports: Mapping[str, int]
    demo: bool
    grafana: bool
    detach: bool
    new_admin_key: bool


def read_up_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Reads the flags of `pulseguard up`; argparse ends the process on what cannot be read."""
    parser = argparse.ArgumentParser(
        prog="pulseguard up",
        description="Runs the whole stack on this machine, until Ctrl-C or `pulseguard down`.",
        allow_abbrev=False,
    )
    _add_data_dir(parser)
    parser.add_argument(
        "--detach", action="store_true", help="return when all is ready; it runs on"
    )
    parser.add_argument(
        "--no-demo", action="store_true", help="without the simulated model server and its agents"
    )
    parser.add_argument("--no-grafana", action="store_true", help="without Grafana")
    parser.add_argument(
        "--new-admin-key",
        action="store_true",
        help="make another admin key, where nobody has one any more; the earlier ones stay",
    )
    for name, port in DEFAULT_PORTS.items():
        parser.add_argument(
            f"--{name}-port", type=_port, default=port, metavar="PORT", help=f"{port}; 0: any free"
        )
    given = parser.parse_args(arguments)
    demo, grafana = not given.no_demo, not given.no_grafana
    left_out = {"model-server": not demo, "grafana": not grafana}
    names = [name for name in DEFAULT_PORTS if not left_out.get(name)]
    ports = {name: getattr(given, f"{name.replace('-', '_')}_port") for name in names}
    data_dir = _data_dir(given, environment)
    return Settings(data_dir, ports, demo, grafana, given.detach, given.new_admin_key)


def read_down_data_dir(arguments: Sequence[str], environment: Mapping[str, str]) -> Path:
    """Reads the flags of `pulseguard down`: the data folder of the stack that is to be stopped."""
    parser = argparse.ArgumentParser(
        prog="pulseguard down", description="Stops what `pulseguard up` runs.", allow_abbrev=False
    )
    _add_data_dir(parser)
    return _data_dir(parser.parse_args(arguments), environment)


def stop_command(data_dir: Path) -> str:
    """What ends the stack of this data folder, typed in any folder or in that of the checkout."""
    if _is_usual(data_dir):
        return "make down, or pulseguard down"
    return f"pulseguard down --data-dir {shlex.quote(str(data_dir))}"


def new_key_command(data_dir: Path) -> str:
    """What starts the stack of this data folder with another admin key, typed likewise."""
    if _is_usual(data_dir):
        return "make up NEW_ADMIN_KEY=1, or pulseguard up --new-admin-key"
    return f"pulseguard up --new-admin-key --data-dir {shlex.quote(str(data_dir))}"


def _add_data_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data-dir", type=Path, help=f"PULSEGUARD_DATA_DIR ({default_data_dir()})")


def _is_usual(data_dir: Path) -> bool:
    return data_dir == Path(os.path.realpath(default_data_dir()))


def _data_dir(given: argparse.Namespace, environment: Mapping[str, str]) -> Path:
    named = environment.get("PULSEGUARD_DATA_DIR")
    chosen: Path = given.data_dir or (Path(named) if named else default_data_dir())
    # PostgreSQL names its folder by the resolved path, and its processes are found by that. Not
    # Path.resolve: that raises for links in a circle, which are told with all that is unwritable.
    return Path(os.path.realpath(chosen))


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return port
