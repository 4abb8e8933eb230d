"""Why a client asked again: what the attempt before it came to, never what the caller is at."""

from __future__ import annotations

import httpx2
import pytest

from tests.exporters.instrumentation.anthropic.fakes import HELLO
from tests.exporters.instrumentation.retrying import (
    answering,
    embed,
    of_anthropic,
    of_openai,
    retries,
    unreachable,
)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (httpx2.ConnectError("refused"), "network"),
        (httpx2.RemoteProtocolError("gone"), "network"),
        (httpx2.ConnectTimeout("slow"), "timeout"),
        (httpx2.ReadTimeout("slow"), "timeout"),
        (httpx2.TooManyRedirects("round"), "_OTHER"),
    ],
)
def test_the_reason_of_an_attempt_without_an_answer_is_what_went_wrong(agent, error, reason):
    with of_openai(unreachable(error)) as client:
        embed(client)
    expected = {reason: 1}
    if not isinstance(error, httpx2.TooManyRedirects):  # anthropic names that one a lost connection
        try:
            raise RuntimeError
        except RuntimeError:
            with of_anthropic(unreachable(error)) as claude:
                claude.messages.create(**HELLO)
        expected = {reason: 2}

    assert retries(agent) == expected


@pytest.mark.parametrize(
    ("status", "reason"),
    [(408, "timeout"), (409, "_OTHER"), (429, "rate_limit"), (503, "server_error"),
     (504, "timeout"), (401, "auth"), (302, "_OTHER")],
)  # fmt: skip
def test_the_reason_of_an_attempt_with_an_answer_is_its_status(agent, status, reason):
    with of_openai(answering(status)) as client, of_anthropic(answering(status)) as claude:
        # The caller's own exception is not the reason.
        try:
            raise TimeoutError
        except TimeoutError:
            embed(client)
            claude.messages.create(**HELLO)

    assert retries(agent) == {reason: 2}
