"""Models, chains and agents of LangChain; a module of its own, for its imports take seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import openai
from langchain.agents import create_agent
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import SecretStr


@tool
def look_up(city: str) -> str:
    """Look up the weather."""
    return f"sunny in {city}"


class Models:
    """Chat models with HTTP clients of their own: those of LangChain outlive event loops."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = openai.DefaultHttpxClient()
        self._async_client = openai.DefaultAsyncHttpxClient()

    def chat(self, model: str = "gpt-4o-mini", fault: str = "ok") -> ChatOpenAI:
        return ChatOpenAI(
            model=model,
            base_url=self._url,
            api_key=SecretStr("none"),
            max_retries=0,
            stream_usage=True,
            timeout=0.3 if fault == "timeout" else 10,
            default_headers={"X-Simulate": fault.removeprefix("patient ")},
            http_client=self._client,
            http_async_client=self._async_client,
        )

    def chain(self) -> Any:
        """A chain that takes a `question`."""
        return ChatPromptTemplate.from_template("{question}") | self.chat()

    def agent(self) -> Any:
        """An agent that can look up the weather."""
        return create_agent(self.chat(), tools=[look_up])

    def until_done(self, work: Callable[[], Awaitable[object]]) -> None:
        """Run this to its end, client closed."""

        async def whole() -> None:
            async with self._async_client:
                await work()

        asyncio.run(whole())

    def close(self) -> None:
        self._client.close()
