"""What docker-compose.yml mounts of the checkout itself, and who may read that."""

import stat
from pathlib import Path
from typing import Final

from pulseguard_stack.deployment.folder import AGAIN, Say, foreign_owner
from pulseguard_stack.errors import CheckoutUnusable

# All of it but what is below secrets/. Docker mounts as root: the folders above do not matter.
MOUNTED: Final = (
    "docker/watched",
    "docker/answers",
    "docker/prometheus-alive",
    "docker/postgres",
    "prometheus/prometheus.yml",
    "prometheus/rules",
    "grafana/provisioning",
    "grafana/dashboards",
)


def make_readable(checkout: Path, say: Say) -> None:
    """Afterwards the containers' users read all of it, whatever umask git wrote it with; says so
    where anything had to be changed.

    CheckoutUnusable has a line for each that is not there, or may not be changed.
    """
    changed: list[str] = []
    faults: list[str] = []
    for name in MOUNTED:
        try:
            if _let_read(checkout / name):
                changed.append(name)
        except OSError as error:
            faults.append(_fault(name, error))
    if faults:
        raise CheckoutUnusable("\n".join(faults))
    if changed:
        say(f"{', '.join(changed)}: made readable, as the containers' users have to read them")


def _let_read(path: Path) -> bool:
    """`chmod -R go+rX`; whether that changed anything."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return False
    passes = 0o011 if stat.S_ISDIR(mode) or mode & 0o111 else 0
    wanted = mode | 0o044 | passes
    changed = wanted != mode
    if changed:
        path.chmod(stat.S_IMODE(wanted))
    if stat.S_ISDIR(mode):
        for each in sorted(path.iterdir()):
            changed |= _let_read(each)
    return changed


def _fault(name: str, error: OSError) -> str:
    path = Path(error.filename)
    if isinstance(error, FileNotFoundError):
        why = f"{path} is not there, and docker-compose.yml mounts it"
        return f"{why}; bring it back (git checkout -- {name}) {AGAIN}"
    mode = stat.S_IMODE(path.lstat().st_mode)
    return (
        f"{path} has mode {mode:04o} and cannot be made readable for the containers' users"
        f" ({error.strerror}{foreign_owner(path)}); do it yourself (sudo chmod -R go+rX {name})"
        f" {AGAIN}"
    )
