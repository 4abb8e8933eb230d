"""Connections whose opening is given up in time, whatever it waits for."""

import http.client
import threading


class Opening:
    """A connection that is being opened, in a thread of its own: no time-out of a socket ends the
    look-up of its name, nor counts for all of its addresses together."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection
        self._problem: Exception | None = None
        self._thread = threading.Thread(target=self._open, name="connecting", daemon=True)
        self._thread.start()

    def connection(self, timeout_seconds: float) -> http.client.HTTPConnection:
        """Answers it once it is open; raises what its opening raised, or TimeoutError after this
        time, and may be asked again then."""
        self._thread.join(timeout_seconds)
        if self._thread.is_alive():
            raise TimeoutError
        if self._problem is not None:
            raise self._problem
        return self._connection

    @property
    def goes_on(self) -> bool:
        """Whether it is still to be seen what becomes of it."""
        return self._thread.is_alive()

    def _open(self) -> None:
        try:
            self._connection.connect()
        except Exception as problem:
            # It is raised where the connection is waited for.
            self._problem = problem
