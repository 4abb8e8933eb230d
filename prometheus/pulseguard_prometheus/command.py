"""`pulseguard sync`: runs beside a Prometheus and keeps its targets file."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing

from pulseguard_prometheus.errors import BadSetting, TargetsFileInUse
from pulseguard_prometheus.key import KeyFile
from pulseguard_prometheus.notification.settings import AlertmanagerPlace
from pulseguard_prometheus.registry import RegistryConnection
from pulseguard_prometheus.scrapes import ScrapesReport
from pulseguard_prometheus.settings import Settings, read_settings
from pulseguard_prometheus.sync import TargetsSync
from pulseguard_prometheus.targets_file import claimed_targets_file


def main(argv: Sequence[str]) -> int:
    """Syncs until SIGTERM or SIGINT, then ends with 0; 2 for a bad setting, 1 for a file in use."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s sync: %(message)s"
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        return _sync(read_settings(argv, os.environ))
    except BadSetting as problem:
        sys.stderr.write(f"pulseguard sync: {problem}\n")
        return 2
    except TargetsFileInUse as problem:
        sys.stderr.write(f"pulseguard sync: {problem}\n")
        return 1


def _sync(settings: Settings) -> int:
    key_file = KeyFile(settings.key_file) if settings.key_file else None
    with (
        claimed_targets_file(settings.targets_file) as targets_file,
        closing(RegistryConnection(settings.registry)) as registry,
        ExitStack() as parts,
    ):
        read_key = key_file.read if key_file else lambda: None
        sync = TargetsSync(registry, targets_file, read_key=read_key)
        if settings.prometheus_url:
            _tell_scrapes(settings, settings.prometheus_url)
        if settings.alertmanager:
            _keep_alertmanager(settings, settings.alertmanager, parts)
        while True:
            started = time.monotonic()
            sync.run_once()
            time.sleep(max(0.0, settings.interval_seconds - (time.monotonic() - started)))


def _tell_scrapes(settings: Settings, prometheus_url: str) -> None:
    """In a thread of its own: a Prometheus that hangs must not delay the targets file."""
    # A reader of its own too, since one remembers what it has seen.
    key_file = KeyFile(settings.key_file) if settings.key_file else None
    report = ScrapesReport(
        prometheus_url=prometheus_url,
        registry_url=str(settings.registry),
        name=settings.prometheus_name,
        read_key=key_file.read if key_file else lambda: None,
    )
    threading.Thread(target=report.run, name="scrapes", daemon=True).start()


def _keep_alertmanager(settings: Settings, place: AlertmanagerPlace, parts: ExitStack) -> None:
    """In a thread of its own: neither amtool nor an Alertmanager that hangs delays the targets."""
    try:
        # Here alone: it takes a YAML library, which whoever keeps only targets need not have.
        from pulseguard_prometheus.notification.files import claimed_files
        from pulseguard_prometheus.notification.sync import AlertmanagerSync
    except ModuleNotFoundError as problem:
        raise BadSetting(
            "--alertmanager-config needs PyYAML: install pulseguard-monitor[registry]"
        ) from problem
    files = parts.enter_context(claimed_files(place.configuration))
    keeping = AlertmanagerSync(settings.notification, place, files)
    threading.Thread(target=keeping.run, name="alertmanager", daemon=True).start()
