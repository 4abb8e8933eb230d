"""The ports of the stack: taken ones are found before anything is started."""

import socket
from collections.abc import Mapping
from contextlib import ExitStack

import psutil

from pulseguard_stack.errors import CannotStart

HOST = "127.0.0.1"


def claim_ports(wanted: Mapping[str, int]) -> dict[str, int]:
    """Answers the port of each name, with 0 replaced by a free one.

    Raises CannotStart for a port that is taken: which, by whom, and the flag for another; and for
    one that is wanted twice.
    """
    _refuse_twice(wanted)
    with ExitStack() as stack:
        # All are held until the last is known, so that no free port is given out twice.
        return {name: _claim(name, port, stack) for name, port in wanted.items()}


def _refuse_twice(wanted: Mapping[str, int]) -> None:
    names: dict[int, str] = {}
    for name, port in wanted.items():
        other = names.setdefault(port, name)
        if port and other != name:
            raise CannotStart(
                f"--{other}-port and --{name}-port are both {port}; give each a port of its own"
            )


def _claim(name: str, port: int, stack: ExitStack) -> int:
    listener = stack.enter_context(socket.socket())
    # As the components do: what lingers of an earlier connection does not keep a port taken.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(1)
    except OSError as problem:
        holder = _holder(port)
        raise CannotStart(
            f"port {port} for {name} cannot be had ({holder or problem.strerror});"
            f" stop that, or take another with --{name}-port"
        ) from None
    return int(listener.getsockname()[1])


def _holder(port: int) -> str | None:
    """Who listens there, as far as this user may see."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:
        return None
    for each in connections:
        listens = each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port
        if listens and each.pid:
            try:
                return f"{psutil.Process(each.pid).name()}, process {each.pid}, listens there"
            except psutil.Error:
                return f"process {each.pid} listens there"
    return None
