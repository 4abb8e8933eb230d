"""What the other processes of the group use: processor, memory, descriptors, threads."""

from collections.abc import Iterable
from typing import cast

import psutil

from pulseguard.recording.series import Readings
from pulseguard.scraping.host import ProcessReader


class Processes:
    """Adds what other processes use to what this one does."""

    def __init__(self) -> None:
        self._readers: dict[int, ProcessReader] = {}

    def add_to(self, own: Readings, processes: Iterable[int]) -> Readings:
        """The readings of this process with the others' added; who has just ended is left out."""
        sums = {name: cast(float, found[0][1]) for name, found in own.items()}
        known, self._readers = self._readers, {}
        for process in processes:
            try:
                reader = known.get(process) or ProcessReader(process)
                used = {metric.name: value for metric, value in reader.read()}
            except psutil.Error:
                continue
            self._readers[process] = reader
            sums |= {name: sums[name] + value for name, value in used.items() if name in sums}
        return {name: [((), value)] for name, value in sums.items()}
