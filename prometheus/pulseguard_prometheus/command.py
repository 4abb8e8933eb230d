"""`pulseguard sync`: runs beside a Prometheus and an Alertmanager, and keeps what they read."""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from pulseguard_prometheus.alive_file import kept_alive_file
from pulseguard_prometheus.errors import BadSetting, InUse
from pulseguard_prometheus.key import KeyFile
from pulseguard_prometheus.loops import Loops
from pulseguard_prometheus.notification.settings import AlertmanagerPlace
from pulseguard_prometheus.publication.promtool import find_promtool
from pulseguard_prometheus.registry import RegistryConnection
from pulseguard_prometheus.scrapes import TELL_TIMEOUT_SECONDS, ScrapesReport
from pulseguard_prometheus.settings import ServerAddress, Settings, read_settings
from pulseguard_prometheus.sync import TargetsSync
from pulseguard_prometheus.targets_file import claimed_targets_file


def main(argv: Sequence[str]) -> int:
    """Syncs until SIGTERM or SIGINT, then ends with 0; 2 for a bad setting, 1 for one in use."""
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
    except InUse as problem:
        sys.stderr.write(f"pulseguard sync: {problem}\n")
        return 1


def _sync(settings: Settings) -> int:
    with (
        claimed_targets_file(settings.targets_file) as targets_file,
        ExitStack() as parts,
    ):
        loops = Loops()
        turns = loops.begin("targets")
        registry = parts.enter_context(
            closing(RegistryConnection(settings.registry, note=turns.note))
        )
        sync = TargetsSync(registry, targets_file, read_key=_key_reader(settings))
        renew = _alive_file(settings, parts)
        if settings.prometheus_url and settings.rules_dir:
            _keep_rules(settings, settings.prometheus_url, settings.rules_dir, loops)
        if settings.prometheus_url:
            _tell_scrapes(settings, settings.prometheus_url, loops)
        if settings.alertmanager:
            _keep_alertmanager(settings, settings.alertmanager, loops, parts)
        watchdog = loops.watchdog(is_armed=settings.is_watchdog_on, all_is_well=renew)
        parts.callback(watchdog.stop)
        watchdog.start()
        while True:
            turns.note()
            started = time.monotonic()
            sync.run_once()
            turns.rest(max(0.0, settings.interval_seconds - (time.monotonic() - started)))


def _key_reader(settings: Settings) -> Callable[[], str | None]:
    """For each thread one of its own, since one remembers what it has seen."""
    return KeyFile(settings.key_file).read if settings.key_file else lambda: None


def _alive_file(settings: Settings, parts: ExitStack) -> Callable[[], None]:
    """What sets its time, if there is to be one."""
    if settings.alive_file is None:
        return lambda: None
    return parts.enter_context(kept_alive_file(settings.alive_file)).renew


def _tell_scrapes(settings: Settings, prometheus: ServerAddress, loops: Loops) -> None:
    """In a thread of its own: a Prometheus that hangs must not delay the targets file."""
    turns = loops.begin("scrapes")
    report = ScrapesReport(
        prometheus=prometheus,
        registry=RegistryConnection(
            settings.registry, timeout_seconds=TELL_TIMEOUT_SECONDS, note=turns.note
        ),
        name=settings.prometheus_name,
        read_key=_key_reader(settings),
        note=turns.note,
    )
    loops.run("scrapes", lambda: report.run(turns))


def _keep_rules(
    settings: Settings, prometheus: ServerAddress, rules_dir: Path, loops: Loops
) -> None:
    """In another one: nor must a promtool or a Prometheus that takes its time to load."""
    promtool = find_promtool(settings.promtool, os.environ)
    try:
        # Here, for it is the only part that needs PyYAML, which a plain install is without.
        from pulseguard_prometheus.publication.start import claimed_rules_sync
    except ModuleNotFoundError as problem:
        raise BadSetting(
            f"rules folder {rules_dir}: {problem.name} is missing: install the extra"
            " pulseguard-monitor[sync]"
        ) from problem
    turns = loops.begin("rules")
    claimed = claimed_rules_sync(
        settings.registry,
        rules_dir,
        promtool,
        prometheus,
        prometheus_name=settings.prometheus_name,
        read_key=_key_reader(settings),
        note=turns.note,
    )
    # Not left when this process is told to end, which takes nothing from under the thread: what it
    # does can be broken off at any step.
    sync = claimed.__enter__()

    def keep() -> None:
        try:
            sync.run(settings.rules_interval_seconds, turns)
        finally:
            claimed.__exit__(None, None, None)

    loops.run("rules", keep)


def _keep_alertmanager(
    settings: Settings, place: AlertmanagerPlace, loops: Loops, parts: ExitStack
) -> None:
    """In a thread of its own: neither amtool nor an Alertmanager that hangs delays the targets."""
    try:
        # Here alone: it takes a YAML library, which whoever keeps only targets need not have.
        from pulseguard_prometheus.notification.files import claimed_files
        from pulseguard_prometheus.notification.sync import AlertmanagerSync
    except ModuleNotFoundError as problem:
        raise BadSetting(
            f"alertmanager configuration {place.configuration}: {problem.name} is missing: install"
            " the extra pulseguard-monitor[sync]"
        ) from problem
    files = parts.enter_context(claimed_files(place.configuration))
    turns = loops.begin("alertmanager")
    keeping = AlertmanagerSync(settings.notification, place, files, note=turns.note)
    loops.run("alertmanager", lambda: keeping.run(turns))
