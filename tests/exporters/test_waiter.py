"""A wait of which a daemon has closed every descriptor: it ends, and spares who has them now."""

import gc
import os
import socket

import pytest

from pulseguard.waiter import Waiter, identity


def test_a_stranger_under_the_same_number_is_neither_written_to_nor_read_nor_closed() -> None:
    waiter = Waiter(None)
    parts = (waiter._reader, waiter._writer, waiter._selector)
    numbers = [part.fileno() for part in parts]
    del parts
    stranger, far_end = socket.socketpair()
    with stranger, far_end:
        far_end.setblocking(False)
        far_end.send(b"theirs")
        for number in numbers:
            os.dup2(stranger.fileno(), number)

        waiter.hurry()
        waiter.wait(60)
        waiter.close()
        del waiter
        gc.collect()

        assert {identity(number) for number in numbers} == {identity(stranger.fileno())}
        assert stranger.recv(9) == b"theirs"
        with pytest.raises(BlockingIOError):
            far_end.recv(9)
    for number in numbers:
        os.close(number)
