"""Answers whose body the caller reads himself: `with_raw_response`, `with_streaming_response`."""

import json
from collections.abc import Callable
from typing import Any, Final
from weakref import WeakKeyDictionary

from pulseguard.instrumentation.measured import MeasuredCall
from pulseguard.instrumentation.streams import Look, is_stream, measure_stream
from pulseguard.recording.usage import Usage

# What a usage object says; None for what is none. Any: an object of the client's, or decoded JSON.
ReadUsage = Callable[[Any], Usage | None]
_KEY: Final = b'"usage"'
_LONGEST_USAGE: Final = 4096
_DECODER: Final = json.JSONDecoder()


class RawAnswers:
    """The calls of one library whose body is still to be read, by their HTTP response.

    Nothing of ours is put on the caller's objects, and nothing of his is kept alive.
    """

    def __init__(self) -> None:
        # Any: the response class of whichever HTTP library the client uses.
        self._open: WeakKeyDictionary[Any, _Unread] = WeakKeyDictionary()
        self._any_asked = False

    def any_asked(self) -> bool:
        """Whether there was ever one: the client parses all its answers, and few agents ask."""
        return self._any_asked

    def answer(self, call: MeasuredCall, raw: Any, look: Look[Any], read: ReadUsage) -> bool:
        """A raw answer has come; True where its body has not: then the call goes on with it."""
        response = raw.http_response
        body = _body(response)
        if body is None:
            self._any_asked = True
            self._open[response] = _Unread(call, look, read)
            return True
        call.usage = usage_in(body, read)
        return False

    def parsed(self, raw: Any, result: Any) -> None:  # Any: not our types
        """A raw answer has been parsed: into a stream, that the call goes on with, or whole."""
        unread = self._of(raw)
        if unread is None:
            return
        if is_stream(result):
            measure_stream(result, unread.take(), unread.look)
        else:
            unread.end(_body(raw.http_response))

    def failed(self, raw: Any, error: BaseException) -> None:  # Any: not our types
        """Parsing has failed: with the body, where that could not be read to its end."""
        if not raw.http_response.is_stream_consumed:
            return
        unread = self._of(raw)
        if unread is not None:
            body = _body(raw.http_response)
            unread.end(body, error if body is None else None)

    def closed(self, raw: Any, result: Any) -> None:  # Any: not our types
        """A raw answer has been closed, read or not."""
        unread = self._of(raw)
        if unread is not None:
            unread.end(_body(raw.http_response))

    def _of(self, raw: Any) -> "_Unread | None":  # Any: not our types
        return self._open.pop(raw.http_response, None)


class _Unread:
    """A call whose body nobody has read yet; over when nobody can any more."""

    def __init__(self, call: MeasuredCall, look: Look[Any], read: ReadUsage) -> None:
        self.look = look
        self._call: MeasuredCall | None = call
        self._read = read
        call.goes_on()

    def take(self) -> MeasuredCall:
        """The call, which somebody else ends from now on."""
        call, self._call = self._call, None
        assert call is not None
        return call

    def end(self, body: bytes | None, error: BaseException | None = None) -> None:
        call = self.take()
        if body is not None:
            call.usage = usage_in(body, self._read)
        call.end(error)

    def __del__(self) -> None:
        if self._call is not None:
            self._call.drop()


def is_raw(answer: Any) -> bool:  # Any: not our types
    """Whether this is a Stainless client's raw answer."""
    return "http_response" in getattr(answer, "__dict__", ())


def usage_in(body: bytes, read: ReadUsage) -> Usage | None:
    """The usage that a JSON body tells, without decoding all of it: it may be megabytes of vectors.

    Within a JSON string the key could not be written like this; an object of that name that
    something else in the answer has (a tool's schema) is no usage to `read`.
    """
    end = len(body)
    while (found := body.rfind(_KEY, 0, end)) >= 0:
        rest = body[found + len(_KEY) : found + _LONGEST_USAGE].decode("utf-8", "replace")
        usage = _usage_at(rest.lstrip(" \t\r\n:"), read)
        if usage is not None:
            return usage
        end = found
    return None


def _usage_at(text: str, read: ReadUsage) -> Usage | None:
    if not text.startswith("{"):
        return None
    try:
        value, _ = _DECODER.raw_decode(text)
    except ValueError:
        return None
    return read(value)


def _body(response: Any) -> bytes | None:  # Any: not our types
    """The body, where it has been read; nothing is read for it."""
    try:
        body: bytes = response.content
    except RuntimeError:  # of httpx: not read, or not kept
        return None
    return body
