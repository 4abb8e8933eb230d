"""The kernel's code for clocks in a process (its vDSO), and the same with the wall clock moved.

libfaketime is not for this: it stands between a program and the C library, and programs in Go, as
Prometheus is one, have none.
"""

from __future__ import annotations

import os
import platform
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

_SYSINFO_EHDR: Final = 33
_LOADED, _DYNAMIC = 1, 2
_STRINGS, _SYMBOLS, _HASH = 5, 6, 4
# Each makes the system call, and adds so many seconds to what it answers.
_SECONDS: Final = b"SECONDS!"
_CODE: Final[Mapping[str, bytes]] = {
    # mov eax, 228; syscall; test eax, eax; jnz end; test edi, edi; jz add; cmp edi, 5; jne end;
    # add: mov rcx, SECONDS; add [rsi], rcx; end: ret. Of the clocks, 0 is CLOCK_REALTIME and 5
    # CLOCK_REALTIME_COARSE.
    "__vdso_clock_gettime": bytes.fromhex("b8e40000000f0585c0751685ff740583ff05750d48b9")
    + _SECONDS
    + bytes.fromhex("48010ec3"),
    # mov eax, 96; syscall; test rdi, rdi; jz end; mov rcx, SECONDS; add [rdi], rcx; end: ret
    "__vdso_gettimeofday": bytes.fromhex("b8600000000f054885ff740d48b9")
    + _SECONDS
    + bytes.fromhex("48010fc3"),
    # mov eax, 201; syscall; mov rcx, SECONDS; add rax, rcx; test rdi, rdi; jz end; mov [rdi], rax;
    # end: ret
    "__vdso_time": bytes.fromhex("b8c90000000f0548b9")
    + _SECONDS
    + bytes.fromhex("4801c84885ff7403488907c3"),
}


class ClockNotMoved(Exception):
    """The clock of this process cannot be moved, in a sentence."""


class _Segment(NamedTuple):
    kind: int
    offset: int
    address: int
    size: int


def move_clock(pid: int, seconds: int) -> None:
    """Have the wall clock of a process that has been stopped go so many seconds ahead of the
    machine's, whatever it did before; ClockNotMoved.

    Its clocks that count since the start of the machine stay as they are. What it forks has the
    same clock, what it executes the machine's.
    """
    if platform.machine() != "x86_64":
        raise ClockNotMoved(f"there is no code for the clocks of a {platform.machine()}")
    start = _start(pid)
    with Path(f"/proc/{pid}/mem").open("r+b", buffering=0) as memory:
        memory.seek(start)
        image = memory.read(_length(pid, start))
        functions = _functions(image)
        if missing := _CODE.keys() - functions:
            raise ClockNotMoved(f"the kernel's vDSO has no {', '.join(sorted(missing))}")
        place = _room(image)
        for name, code in _CODE.items():
            moved = code.replace(_SECONDS, struct.pack("<q", seconds))
            _write(memory.fileno(), start + place, moved)
            # jmp
            jump = struct.pack("<Bi", 0xE9, place - (functions[name] + 5))
            _write(memory.fileno(), start + functions[name], jump)
            place += len(moved)


def _start(pid: int) -> int:
    """Where the vDSO is, as the kernel tells the process."""
    words = Path(f"/proc/{pid}/auxv").read_bytes()
    for kind, value in struct.iter_unpack("<QQ", words):
        if kind == _SYSINFO_EHDR:
            return int(value)
    raise ClockNotMoved("the kernel gives its programs no vDSO")


def _length(pid: int, start: int) -> int:
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        first, end = (int(each, 16) for each in line.split()[0].split("-"))
        if first == start:
            return end - first
    raise ClockNotMoved("the vDSO is not where the kernel says")


def _functions(image: bytes) -> dict[str, int]:
    """Where each begins, by its name: the dynamic symbols of an ELF."""
    segments = [*_segments(image)]
    base = next(each.address - each.offset for each in segments if each.kind == _LOADED)
    dynamic = next(each for each in segments if each.kind == _DYNAMIC)
    area = image[dynamic.offset : dynamic.offset + dynamic.size]
    tables = {tag: value - base for tag, value in struct.iter_unpack("<QQ", area)}
    names, symbols = tables[_STRINGS], tables[_SYMBOLS]
    (count,) = struct.unpack_from("<I", image, tables[_HASH] + 4)
    found = {}
    for number in range(count):
        name, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", image, symbols + 24 * number)
        text = image[names + name : image.index(b"\0", names + name)].decode()
        found[text] = value - base
    return found


def _segments(image: bytes) -> Iterator[_Segment]:
    (headers,) = struct.unpack_from("<Q", image, 32)
    size, count = struct.unpack_from("<HH", image, 54)
    for number in range(count):
        kind, _, offset, address, _, length, _, _ = struct.unpack_from(
            "<IIQQQQQQ", image, headers + size * number
        )
        yield _Segment(kind, offset, address, length)


def _room(image: bytes) -> int:
    """Where nothing is, at the end of its last page."""
    needed = sum(map(len, _CODE.values()))
    place = len(image) - needed
    is_ours = image[place:].startswith(next(iter(_CODE.values())).partition(_SECONDS)[0])
    if any(image[place:]) and not is_ours:
        raise ClockNotMoved("the kernel's vDSO fills its last page")
    return place


def _write(memory: int, address: int, code: bytes) -> None:
    if os.pwrite(memory, code, address) != len(code):
        raise ClockNotMoved("the vDSO cannot be written")
