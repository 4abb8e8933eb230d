"""Under which provider and model a call is counted."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI, AzureOpenAI, OpenAI, Stream

from pulseguard import Agent
from pulseguard.catalog import ERRORS, OPERATION_DURATION, OUTPUT_TOKENS_PER_SECOND, TOKENS
from pulseguard.instrumentation.openai.provider import provider_and_model
from pulseguard.instrumentation.openai.usage import chat_usage, response_usage
from pulseguard.recording.usage import Usage
from tests.exporters.instrumentation.model_server import ModelServer
from tests.exporters.observing import scrape, total

CALLS = f"{OPERATION_DURATION.name}_count"


@pytest.mark.parametrize(
    ("base_url", "provider"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://api.groq.com/openai/v1", "groq"),
        ("https://api.deepseek.com", "deepseek"),
        ("https://api.x.ai/v1", "x_ai"),
        ("https://api.mistral.ai/v1", "mistral_ai"),
        ("https://api.perplexity.ai", "perplexity"),
        ("https://api.moonshot.ai/v1", "moonshot_ai"),
        ("https://api.moonshot.cn/v1", "moonshot_ai"),
        ("https://one.openai.azure.com/openai/v1", "azure.ai.openai"),
        ("http://127.0.0.1:8000/v1", "openai"),
        ("https://api.groq.com.example.org/v1", "openai"),
    ],
)
@pytest.mark.parametrize("kind", [OpenAI, AsyncOpenAI])
def test_the_provider_is_told_by_the_address(kind: Any, base_url: str, provider: str):
    client = kind(api_key="none", base_url=base_url)
    assert provider_and_model(client, "a-model") == (provider, "a-model")


@pytest.mark.parametrize("deployment", ["my-deployment", None])
def test_azure_calls_are_counted_under_their_deployment_as_the_server_served_them(
    agent: Agent, server: ModelServer, deployment: str | None
):
    azure: dict[str, Any] = {
        "azure_endpoint": server.url,
        "azure_deployment": deployment,
        "api_version": "2024-10-21",
        "api_key": "none",
    }
    client, awaited = AzureOpenAI(**azure), AsyncAzureOpenAI(**azure)
    asked: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello."}]}
    before = len(server.entries())

    async def ask() -> None:
        async with awaited:
            await awaited.chat.completions.create(**asked)
            async for _ in await awaited.chat.completions.create(stream=True, **asked):
                pass

    client.chat.completions.create(**asked)
    for chunk in client.chat.completions.create(stream=True, **asked):
        # What was asked for is not shown to the caller.
        assert chunk.usage is None
    asyncio.run(ask())

    model = deployment or "gpt-4o"
    names = {"gen_ai_provider_name": "azure.ai.openai", "gen_ai_request_model": model}
    page, served = scrape(agent), server.entries()[before:]
    assert total(page, CALLS, **names) == len(served) == 4
    assert total(page, TOKENS.name, **names) == sum(
        each.tokens.input + each.tokens.output for each in served
    )
    speeds = f"{OUTPUT_TOKENS_PER_SECOND.name}_count"
    assert total(page, speeds, gen_ai_request_model=model) == 4
    assert total(page, "pulseguard_calls_without_usage_total") == 0


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_of_tools_is_counted_as_the_server_served_it(
    agent: Agent, server: ModelServer, client: OpenAI, stream: bool
):
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool: Any = {"type": "function", "function": {"name": "weather", "parameters": schema}}
    before = len(server.entries())

    answer = client.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": "How warm is it in Rome?"}],
        tools=[tool],
        stream=stream,
    )
    if isinstance(answer, Stream):
        called = [chunk for chunk in answer if chunk.choices and chunk.choices[0].delta.tool_calls]
        assert called
    else:
        assert answer.choices[0].message.tool_calls

    page, (served,) = scrape(agent), server.entries()[before:]
    assert served.tool_calls == 1
    kinds = {"input": served.tokens.input, "output": served.tokens.output}
    assert {kind: total(page, TOKENS.name, gen_ai_token_type=kind) for kind in kinds} == kinds


def test_an_embedding_is_an_operation_of_its_own_and_a_response_a_chat(
    agent: Agent, client: OpenAI
):
    embedded = client.embeddings.create(model="text-embedding-3-small", input="A boat.")
    client.responses.create(model="gpt-4o", input="Hello.")

    text = scrape(agent)
    assert total(text, CALLS, gen_ai_operation_name="embeddings") == 1
    assert total(text, CALLS, gen_ai_operation_name="chat") == 1
    given = {"gen_ai_token_type": "input", "gen_ai_request_model": "text-embedding-3-small"}
    assert total(text, TOKENS, **given) == embedded.usage.prompt_tokens


@pytest.mark.parametrize(
    ("fault", "error_type"),
    [
        ("401", "auth"),
        ("429", "rate_limit"),
        ("500", "server_error"),
        ("cut", "network"),
        ("400-context", "context_length"),
        ("400-content-filter", "content_filter"),
    ],
)
def test_a_failure_has_its_bounded_type_and_passes_as_it_is(
    agent: Agent, client: OpenAI, fault: str, error_type: str
):
    with pytest.raises(openai.APIError) as failed:
        client.responses.create(model="gpt-4o", input="Hello.", extra_headers={"X-Simulate": fault})

    text = scrape(agent)
    assert total(text, ERRORS, error_type=error_type, source="chat") == 1
    assert total(text, ERRORS) == total(text, CALLS) == 1
    assert any(each.name == "create" for each in failed.traceback)


def test_usage_is_read_from_objects_and_from_json_with_its_parts_inside_the_wholes():
    chat = {
        "prompt_tokens": 10,
        "completion_tokens": 7,
        "total_tokens": 17,
        "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }
    response = {
        "input_tokens": 10,
        "output_tokens": 7,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
        "output_tokens_details": {"reasoning_tokens": 5},
    }
    objects = (
        openai.types.CompletionUsage.model_validate(chat),
        openai.types.responses.ResponseUsage.model_validate({**response, "total_tokens": 17}),
    )

    found = [chat_usage(chat), chat_usage(objects[0])]
    found += [response_usage(response), response_usage(objects[1])]

    assert found == [Usage(10, 7, 4, 3, 5)] * 4


def test_reasoning_that_is_counted_beside_the_completion_is_part_of_the_output():
    usage = {"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135}

    found = chat_usage({**usage, "completion_tokens_details": {"reasoning_tokens": 94}})

    assert found == Usage(input=32, output=103, reasoning=94)


@pytest.mark.parametrize(
    "usage",
    [None, {}, "text", {"prompt_tokens": "10"}, {"prompt_tokens": -1}, {"prompt_tokens": True}],
)
def test_what_is_no_count_is_unknown(usage: Any):
    assert chat_usage(usage) is None
    assert response_usage(usage) is None
