"""A pool of connections that leaves none open, whatever is under way while it is let go."""

from __future__ import annotations

from sqlalchemy.pool import ConnectionPoolEntry, QueuePool


class ClosingPool(QueuePool):
    """Closes also those that come back after it was disposed of: nobody else would."""

    _disposed = False

    def dispose(self) -> None:
        """Close those that wait here now, and each other one as soon as it comes back."""
        self._disposed = True
        super().dispose()

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        super()._do_return_conn(record)
        if self._disposed:  # maybe since a moment ago: looked at when it can be found here
            super().dispose()
