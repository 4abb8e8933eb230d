"""The ledger: one entry for every HTTP attempt, in memory and optionally in a file."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, TextIO

from pulseguard_stack.model_server.outcomes import ERROR_TYPES, Outcome


@dataclass(frozen=True)
class Tokens:
    """Tokens by kind; the kinds are disjoint, their sum is all tokens of a usage object."""

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            self.input + other.input,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
            self.output + other.output,
            self.reasoning + other.reasoning,
        )


@dataclass(frozen=True)
class Entry:
    """One HTTP attempt, as it ended. Times are unix seconds.

    `sequence` is the order of ending (the ledger's order), `arrival` the order of coming in.
    `tokens` are those of the last usage object that was sent, zero where none was sent;
    `output_tokens_sent` counts what left the server, usage or not.
    """

    sequence: int
    arrival: int
    call: str
    attempt: int
    agent: str
    endpoint: str
    model: str
    stream: bool
    outcome: Outcome
    status: int | None
    tokens: Tokens
    output_tokens_sent: int
    tool_calls: int
    received_at: float
    first_byte_at: float | None
    last_byte_at: float


def entry_from_json(row: Mapping[str, Any]) -> Entry:  # Any: a decoded JSON object
    """The entry that a line of the file, or an element of `GET /ledger`, stands for."""
    return Entry(**{**row, "tokens": Tokens(**row["tokens"]), "outcome": Outcome(row["outcome"])})


@dataclass
class Attempt:
    """An attempt under way: what its ledger entry will say, as far as it is known."""

    arrival: int
    call: str
    number: int
    agent: str
    endpoint: str
    received_at: float
    model: str = ""
    stream: bool = False
    outcome: Outcome = Outcome.CUT
    status: int | None = None
    tokens: Tokens = Tokens()
    output_tokens_sent: int = 0
    tool_calls: int = 0
    first_byte_at: float | None = None
    last_byte_at: float | None = None


class Ledger:
    """Counts attempts in, writes them down when they end. Not for use from several threads."""

    def __init__(self, capacity: int, file: TextIO | None = None) -> None:
        self._entries: deque[Entry] = deque(maxlen=capacity)
        self._file = file
        self._arrived = 0
        self._closed = 0

    @property
    def open(self) -> int:
        """How many attempts are under way."""
        return self._arrived - self._closed

    @property
    def forgotten(self) -> int:
        """How many of the oldest entries are no longer in memory."""
        return self._closed - len(self._entries)

    def arrive(self) -> int:
        """Counts an attempt in; each must be closed exactly once."""
        self._arrived += 1
        return self._arrived

    def close(self, attempt: Attempt, now: float) -> None:
        """Writes an ended attempt down; raises OSError when the file cannot take it."""
        self._closed += 1
        entry = _entry(attempt, self._closed, now)
        self._entries.append(entry)
        if self._file is not None:
            self._file.write(json.dumps(asdict(entry)) + "\n")
            self._file.flush()

    def entries(self, after: int = 0, limit: int | None = None) -> list[Entry]:
        """The entries whose sequence is greater than `after`, oldest first."""
        start = max(after - self.forgotten, 0)
        stop = None if limit is None else start + limit
        return list(islice(self._entries, start, stop))


def _entry(attempt: Attempt, sequence: int, now: float) -> Entry:
    return Entry(
        sequence=sequence,
        arrival=attempt.arrival,
        call=attempt.call,
        attempt=attempt.number,
        agent=attempt.agent,
        endpoint=attempt.endpoint,
        model=attempt.model,
        stream=attempt.stream,
        outcome=attempt.outcome,
        status=attempt.status,
        tokens=attempt.tokens,
        output_tokens_sent=attempt.output_tokens_sent,
        tool_calls=attempt.tool_calls,
        received_at=attempt.received_at,
        first_byte_at=attempt.first_byte_at,
        last_byte_at=now if attempt.last_byte_at is None else attempt.last_byte_at,
    )


@dataclass(frozen=True)
class ModelTotals:
    """What the ledger says about the calls of one model.

    A call is the attempts of one call id; its error is that of its last attempt.
    """

    calls: int = 0
    attempts: int = 0
    tool_calls: int = 0
    output_tokens_sent: int = 0
    tokens: Tokens = Tokens()
    errors: Mapping[str, int] = field(default_factory=dict)
    mean_seconds: float | None = None


def summarize(entries: Iterable[Entry]) -> dict[str, ModelTotals]:
    """Totals by model, in the order of their names.

    `calls` counts first attempts; `mean_seconds` is the mean, over the call ids seen, from the
    arrival of the first attempt to the last byte of the last, whatever the outcome. A call
    belongs to the model of its last attempt, tokens to the model of theirs.
    """
    by_model: dict[str, list[Entry]] = {}
    by_call: dict[str, list[Entry]] = {}
    for entry in entries:
        by_model.setdefault(entry.model, []).append(entry)
        by_call.setdefault(entry.call, []).append(entry)
    whole_calls = [sorted(attempts, key=_attempt_order) for attempts in by_call.values()]
    return {model: _totals(model, by_model[model], whole_calls) for model in sorted(by_model)}


def _attempt_order(entry: Entry) -> tuple[int, int]:
    return entry.attempt, entry.arrival


def _totals(model: str, entries: list[Entry], calls: list[list[Entry]]) -> ModelTotals:
    own = [call for call in calls if call[-1].model == model]
    seconds = [call[-1].last_byte_at - call[0].received_at for call in own]
    tokens = sum((entry.tokens for entry in entries), Tokens())
    return ModelTotals(
        calls=sum(entry.attempt == 0 for entry in entries),
        attempts=len(entries),
        tool_calls=sum(entry.tool_calls for entry in entries),
        output_tokens_sent=sum(entry.output_tokens_sent for entry in entries),
        tokens=tokens,
        errors=_errors(call[-1] for call in own),
        mean_seconds=sum(seconds) / len(seconds) if seconds else None,
    )


def _errors(final_attempts: Iterable[Entry]) -> dict[str, int]:
    errors: dict[str, int] = {}
    for entry in final_attempts:
        error = ERROR_TYPES.get(entry.outcome)
        if error is not None:
            errors[error] = errors.get(error, 0) + 1
    return dict(sorted(errors.items()))
