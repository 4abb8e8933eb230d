"""The bounded type of a failure, for the exceptions that agents really meet."""

import asyncio
import concurrent.futures
import http.client
import socket
import ssl
import urllib.error
from email.message import Message

import httpx2
import openai
import pytest

from pulseguard.recording.error_types import error_type, is_cancellation

REQUEST = httpx2.Request("POST", "http://api.example.com/v1/chat/completions")


def refused(status: int, code: str | None = None) -> openai.APIStatusError:
    response = httpx2.Response(status, request=REQUEST)
    return openai.OpenAI(api_key="x", base_url="http://localhost")._make_status_error(
        "no", body={"code": code}, response=response
    )


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


class ClientError(Exception):
    """A client of our own making."""

    def __init__(self, **attributes: object) -> None:
        super().__init__("this model's maximum context length is 8192 tokens")
        self.__dict__.update(attributes)


@pytest.mark.parametrize(
    ("category", "expected"),
    [
        ("ModelRateLimitError", "rate_limit"),
        ("ModelQuotaExceededError", "rate_limit"),
        ("ModelOverloadedError", "server_error"),
        ("ModelServerError", "server_error"),
        ("ModelConnectionError", "network"),
        ("ModelTimeoutError", "timeout"),
        ("ModelRequestTimeout", "timeout"),
        ("ModelAuthenticationError", "auth"),
        ("ModelContextWindowExceededError", "context_length"),
        ("ModelRequestRejectedError", "_OTHER"),
    ],
)
def test_pydantic_ais_categories_tell_the_type_without_a_cause(
    category: str, expected: str
) -> None:
    # Imported here: it takes a second, and whoever reads this file does not need it.
    from pydantic_ai import exceptions

    kind: type[exceptions.ModelAPIError] = getattr(exceptions, category)
    assert error_type(kind.__new__(kind)) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refused(429), "rate_limit"),
        (refused(401), "auth"),
        (refused(403), "auth"),
        (refused(500), "server_error"),
        (refused(503), "server_error"),
        (refused(529), "server_error"),
        (refused(504), "timeout"),
        (refused(408), "timeout"),
        (refused(404), "_OTHER"),
        (refused(400), "_OTHER"),
        (refused(400, "context_length_exceeded"), "context_length"),
        (refused(400, "content_filter"), "content_filter"),
        (refused(429, "insufficient_quota"), "rate_limit"),
        (openai.APITimeoutError(REQUEST), "timeout"),
        (openai.APIConnectionError(request=REQUEST), "network"),
        (caused(openai.APIConnectionError(request=REQUEST), TimeoutError()), "timeout"),
        (httpx2.RemoteProtocolError("peer closed connection"), "network"),
        (httpx2.ReadTimeout("too slow"), "timeout"),
        (httpx2.ConnectError("refused"), "network"),
        (TimeoutError(), "timeout"),
        (socket.gaierror(-2, "unknown host"), "network"),
        (ConnectionResetError(), "network"),
        (ssl.SSLCertVerificationError("bad"), "network"),
        (OSError(113, "no route to host"), "network"),
        (http.client.IncompleteRead(b""), "network"),
        (urllib.error.HTTPError("u", 502, "bad", Message(), None), "server_error"),
        (ExceptionGroup("several", [TimeoutError(), ValueError()]), "timeout"),
        (caused(RuntimeError("wrapped"), ConnectionRefusedError()), "network"),
        (ClientError(status_code=400), "context_length"),
        (ClientError(status_code=True), "_OTHER"),
        (ClientError(code="overloaded_error"), "server_error"),
        (ClientError(response=object(), status="bad"), "_OTHER"),
        (PermissionError(), "_OTHER"),
        (FileNotFoundError(), "_OTHER"),
        (ValueError("timeout"), "_OTHER"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_the_type_of(error: Exception, expected: str) -> None:
    assert error_type(error) == expected


def test_causes_that_lead_in_a_circle_come_to_an_end() -> None:
    error = ValueError()
    error.__cause__ = caused(KeyError(), error)

    assert error_type(error) == "_OTHER"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (asyncio.CancelledError(), True),
        (concurrent.futures.CancelledError(), True),
        (KeyboardInterrupt(), True),
        (GeneratorExit(), True),
        (SystemExit(1), True),
        (TimeoutError(), False),
        (ValueError(), False),
    ],
)
def test_who_gave_up(error: BaseException, expected: bool) -> None:
    assert is_cancellation(error) is expected
