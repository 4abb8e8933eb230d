"""The events of a streamed response.

After https://platform.openai.com/docs/api-reference/responses-streaming.
"""

from __future__ import annotations

from collections.abc import Iterator

from pulseguard_stack.model_server.chat_completions.answer import Answer
from pulseguard_stack.model_server.dialect import Piece
from pulseguard_stack.model_server.ledger import Tokens
from pulseguard_stack.model_server.responses import wire
from pulseguard_stack.model_server.responses.wire import Head, Json
from pulseguard_stack.model_server.tokens import count_tokens
from pulseguard_stack.model_server.tool_calls import Call


def pieces(head: Head, answer: Answer, usage: Tokens) -> Iterator[Piece]:
    """The answer as server-sent events, a token each; the end of it leaves as one piece."""
    stream = _Stream(head)
    stream.begin(answer)
    if answer.calls:
        for number, call in enumerate(answer.calls):
            yield from stream.call(wire.called(head, number, call), call)
    else:
        yield from stream.text(answer)
    stream.end(answer, usage)
    yield Piece(stream.take(), 0)


class _Stream:
    """Numbers the events; those that carry no token wait for the next that does."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._number = 0
        self._items = 0
        self._waiting = b""

    def take(self) -> bytes:
        """What waits to be sent."""
        waiting, self._waiting = self._waiting, b""
        return waiting

    def begin(self, answer: Answer) -> None:
        begun = wire.begun(self._head)
        self._add("response.created", response=begun)
        self._add("response.in_progress", response=begun)
        if answer.reasoning_tokens:
            item = wire.reasoning(self._head)
            self._add_item("added", item)
            self._end_item(item)

    def text(self, answer: Answer) -> Iterator[Piece]:
        text = "".join(answer.text)
        whole = wire.message(self._head, text, wire.is_complete(answer))
        place = {"item_id": whole["id"], "output_index": self._items, "content_index": 0}
        self._add_item("added", {**whole, "status": "in_progress", "content": []})
        self._add("response.content_part.added", **place, part=wire.text_part(""))
        for token in answer.text:
            self._add("response.output_text.delta", **place, delta=token, logprobs=[])
            yield Piece(self.take(), 1)
        self._add("response.output_text.done", **place, text=text, logprobs=[])
        self._add("response.content_part.done", **place, part=wire.text_part(text))
        self._end_item(whole)

    def call(self, item: Json, call: Call) -> Iterator[Piece]:
        place = {"item_id": item["id"], "output_index": self._items}
        self._add_item("added", {**item, "status": "in_progress", "arguments": ""})
        yield Piece(self.take(), count_tokens(call.name))
        for token in call.arguments:
            self._add("response.function_call_arguments.delta", **place, delta=token)
            yield Piece(self.take(), 1)
        told = {"name": call.name, "arguments": item["arguments"]}
        self._add("response.function_call_arguments.done", **place, **told)
        self._end_item(item)

    def end(self, answer: Answer, usage: Tokens) -> None:
        status = "completed" if wire.is_complete(answer) else "incomplete"
        self._add(f"response.{status}", response=wire.ended(self._head, answer, usage))

    def _end_item(self, item: Json) -> None:
        self._add_item("done", item)
        self._items += 1

    def _add_item(self, what: str, item: Json) -> None:
        self._add(f"response.output_item.{what}", output_index=self._items, item=item)

    def _add(self, kind: str, **fields: object) -> None:
        event = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        self._waiting += b"event: %b\ndata: %b\n\n" % (kind.encode(), wire.dump(event))
