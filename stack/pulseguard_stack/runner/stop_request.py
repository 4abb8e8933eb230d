"""The wish to stop, as signals bring it: Ctrl-C, `pulseguard down`, a terminal that closes."""

import os
import select
import signal

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequest:
    """Remembers that a signal came.

    Until `hold` it interrupts what is being done, by KeyboardInterrupt; from then on whoever runs
    asks, so that no process is lost between its start and its being known.
    """

    def __init__(self) -> None:
        # A pipe and no threading.Event: the handler interrupts the very thread that waits, and
        # would wait for ever for the lock that this one holds.
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._made = False
        self._holding = False

    def install(self) -> None:
        """Take the signals, but for one that whoever started us has told us to ignore (nohup)."""
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)

    def hold(self) -> None:
        """From now on a signal is only remembered."""
        self._holding = True

    def is_made(self) -> bool:
        return self._made

    def wait(self, seconds: float) -> bool:
        """Waits for it, at most for this time; whether it was made."""
        select.select([self._reader], [], [], seconds)
        return self._made

    def _on_signal(self, *_: object) -> None:
        if self._made:
            return
        self._made = True
        os.write(self._writer, b"x")
        if not self._holding:
            raise KeyboardInterrupt
