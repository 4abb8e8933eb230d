"""Where everything of the stack lies, under one data folder."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pulseguard_stack.errors import CannotStart

KeyName = Literal["agent", "prometheus", "viewer", "demo"]


@dataclass(frozen=True)
class Places:
    """The files and folders of the stack whose data folder this is."""

    data_dir: Path

    @property
    def stack(self) -> Path:
        return self.data_dir / "stack"

    @property
    def run_file(self) -> Path:
        """What runs now."""
        return self.stack / "run.json"

    @property
    def lock_file(self) -> Path:
        """Held by the runner as long as it lives."""
        return self.stack / "lock"

    @property
    def admin_key(self) -> Path:
        """Written by the registry on its first start."""
        return self.data_dir / "secrets" / "admin.key"

    @property
    def postmaster_file(self) -> Path:
        """What the embedded PostgreSQL leaves while it runs."""
        return self.data_dir / "postgresql" / "postmaster.pid"

    @property
    def keys(self) -> Path:
        return self.stack / "keys"

    @property
    def prometheus(self) -> Path:
        return self.stack / "prometheus"

    @property
    def alertmanager(self) -> Path:
        return self.stack / "alertmanager"

    @property
    def grafana(self) -> Path:
        return self.stack / "grafana"

    @property
    def grafana_dashboards(self) -> Path:
        """What Grafana shows, made anew at each start."""
        return self.grafana / "dashboards"

    @property
    def grafana_password(self) -> Path:
        """What the user `admin` of Grafana signs in with."""
        return self.keys / "grafana-admin.password"

    @property
    def grafana_container(self) -> Path:
        """Names the container, as long as there may be one."""
        return self.grafana / "container.json"

    @property
    def targets_file(self) -> Path:
        """Written by sync, read by Prometheus."""
        return self.prometheus / "targets" / "agents.json"

    @property
    def user_rules(self) -> Path:
        """Kept by sync, read by Prometheus; it stays from run to run, so that a restart without
        the registry has the rules of before."""
        return self.prometheus / "user-rules"

    @property
    def logs(self) -> Path:
        return self.stack / "logs"

    def key(self, name: KeyName) -> Path:
        return self.keys / f"{name}.key"

    def log(self, component: str) -> Path:
        return self.logs / f"{component}.log"

    def make_folders(self) -> None:
        """Makes all folders; CannotStart names the one that cannot be written."""
        # The data folder itself stays passable: as root, PostgreSQL runs as its own user.
        folders = [(self.data_dir, 0o755), (self.stack, 0o700)]
        below = [self.keys, self.logs, self.prometheus, self.alertmanager]
        below += [self.prometheus / "secrets", self.prometheus / "targets", self.user_rules]
        below += [self.alertmanager / "secrets", self.grafana, self.grafana / "data"]
        for folder, mode in folders + [(each, 0o700) for each in below]:
            make_folder(folder, mode, "--data-dir or PULSEGUARD_DATA_DIR")


def make_folder(folder: Path, mode: int, other: str) -> None:
    """Makes a folder; CannotStart where it cannot be written, with what names another one."""
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK | os.X_OK)
        reason = "permission denied"
    except OSError as problem:
        writable, reason = False, str(problem.strerror)
    if not writable:
        raise CannotStart(
            f"{folder} cannot be written ({reason}); name a folder that this user may write"
            f" with {other}"
        )
