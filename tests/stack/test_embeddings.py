"""What the real `openai` client gets from the simulated server's embeddings."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import openai
import pytest

from pulseguard_stack.model_server.ledger import Tokens

MODEL = "text-embedding-3-small"


def embed(client: Any, input: Any, **parameters: Any) -> Any:
    return client.embeddings.create(**{"model": MODEL, "input": input, **parameters})


def test_the_same_text_has_the_same_vector_of_about_unit_length(client):
    one = embed(client, "A boat.")
    two = embed(client, ["Another boat.", "A boat."], encoding_format="float")

    first, second = [each.embedding for each in two.data]
    assert len(first) == 1536
    assert one.data[0].embedding == pytest.approx(second)
    assert first != second
    assert sum(value * value for value in first) == pytest.approx(1, abs=0.1)


def test_dimensions_are_as_asked(client):
    assert len(embed(client, "A boat.", dimensions=8).data[0].embedding) == 8


@pytest.mark.parametrize("input", ["A boat.", ["A boat.", "A harbour."], [1, 2, 3], [[1], [2, 3]]])
def test_the_ledger_holds_the_tokens_that_the_client_was_told(client, server, input):
    call = uuid4().hex
    answer = embed(client, input, extra_headers={"X-Call-Id": call})

    (entry,) = server.entries(call)
    assert answer.usage.total_tokens == answer.usage.prompt_tokens > 0
    assert entry.tokens == Tokens(input=answer.usage.prompt_tokens)
    assert (entry.endpoint, entry.outcome, entry.output_tokens_sent) == ("/v1/embeddings", "ok", 0)


@pytest.mark.parametrize(
    ("fault", "error"),
    [("429", openai.RateLimitError), ("500", openai.APIStatusError), ("cut", openai.APIError)],
)
def test_faults_are_those_of_every_endpoint(client, fault, error):
    with pytest.raises(error):
        embed(client, "A boat.", extra_headers={"X-Simulate": fault})


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ({"model": "gpt-9"}, "model"),
        ({"input": ""}, "input"),
        ({"dimensions": 0}, "dimensions"),
        ({"input": "word " * 9000}, "input"),
    ],
)
def test_a_wrong_parameter_is_named(client, parameters, param):
    with pytest.raises(openai.APIStatusError) as refused:
        embed(client, **{"input": "A boat.", **parameters})

    assert str(refused.value.param).startswith(param)
