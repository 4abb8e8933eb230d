"""Series as they might have been, as blocks of Prometheus' storage."""

import math
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from pulseguard_stack.programs import find_program


@dataclass(frozen=True)
class Course:
    """A series: a sample `every` so many seconds, its value at first, and by how much it rises a
    second."""

    name: str
    labels: Mapping[str, str]
    every: int
    value: float = 1.0
    rise: float = 0.0


def make_blocks(folder: Path, courses: Iterable[Course], begin: float, end: float) -> int:
    """Write them into a folder for data, from `begin` to `end`; the number of samples.

    RuntimeError with what promtool says where it cannot.
    """
    text = folder / "courses.txt"
    with text.open("w", encoding="utf-8") as file:
        samples = sum(_write(file, course, begin, end) for course in courses)
        file.write("# EOF\n")
    command: list[str | Path] = [find_program("promtool"), "tsdb", "create-blocks-from"]
    command += ["openmetrics", "--quiet", text, folder]
    made = subprocess.run(command, capture_output=True, text=True)
    text.unlink()
    if made.returncode:
        raise RuntimeError(made.stderr)
    return samples


def _write(file: TextIO, course: Course, begin: float, end: float) -> int:
    labels = ",".join(f'{name}="{value}"' for name, value in course.labels.items())
    series = f"{course.name}{{{labels}}}"
    times = [begin + after for after in range(0, int(end - begin) + 1, course.every)]
    for at in times:
        # Not all alike, which would be kept in less room than what is measured.
        wave = 1 + 0.1 * math.sin(at / 90 + course.value)
        value = (
            course.value * wave if not course.rise else course.value + course.rise * (at - begin)
        )
        file.write(f"{series} {value:.6g} {at:.3f}\n")
    return len(times)
