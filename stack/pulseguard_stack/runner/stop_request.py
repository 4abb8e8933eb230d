"""The wish to stop, as signals bring it: Ctrl-C, `pulseguard down`, a terminal that closes."""

import signal
import threading

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequest:
    """Remembers that a signal came.

    Until `hold` it interrupts what is being done, by KeyboardInterrupt; from then on whoever runs
    asks, so that no process is lost between its start and its being known.
    """

    def __init__(self) -> None:
        self._asked = threading.Event()
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
        return self._asked.is_set()

    def wait(self, seconds: float) -> bool:
        """Waits for it, at most for this time; whether it was made."""
        return self._asked.wait(seconds)

    def _on_signal(self, *_: object) -> None:
        first = not self._asked.is_set()
        self._asked.set()
        if first and not self._holding:
            raise KeyboardInterrupt
