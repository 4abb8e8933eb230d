"""Puts the parts of a publication together."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pulseguard_prometheus.publication.check import FileCheck
from pulseguard_prometheus.publication.folder import claimed_rules_folder
from pulseguard_prometheus.publication.prometheus import Prometheus
from pulseguard_prometheus.publication.promtool import Promtool
from pulseguard_prometheus.publication.proof import Proof
from pulseguard_prometheus.publication.publisher import Publisher
from pulseguard_prometheus.publication.rules_sync import RulesSync
from pulseguard_prometheus.registry import RULES_PATH, RegistryConnection
from pulseguard_prometheus.settings import ServerAddress
from pulseguard_prometheus.turns import Note, unwatched


@contextmanager
def claimed_rules_sync(
    registry: ServerAddress,
    path: Path,
    promtool: Path,
    prometheus: ServerAddress,
    *,
    prometheus_name: str,
    read_key: Callable[[], str | None],
    note: Note = unwatched,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[RulesSync]:
    """Answers what keeps this folder for this Prometheus, as long as the context lasts; `note` is
    told of each of its longer steps.

    Raises RulesFolderInUse where another process has it, BadSetting where it cannot be used.
    """
    with (
        claimed_rules_folder(path, note=note) as folder,
        closing(RegistryConnection(registry, path=RULES_PATH, note=note)) as source,
        closing(Prometheus(prometheus, note=note)) as reader,
    ):
        check = FileCheck(Promtool(promtool, folder.candidates, note=note), reader)
        yield RulesSync(
            source,
            folder,
            Publisher(folder, check, reader, clock=clock),
            Proof(reader),
            prometheus_name=prometheus_name,
            read_key=read_key,
            clock=clock,
        )
