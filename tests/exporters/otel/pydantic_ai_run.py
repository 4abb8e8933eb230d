"""Agents of Pydantic AI; a module of its own, for its imports take a second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from openai import AsyncOpenAI
from opentelemetry.sdk.trace import TracerProvider
from pydantic_ai import Agent as Framework
from pydantic_ai.capabilities import Instrumentation
from pydantic_ai.exceptions import AgentRunError
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.exporters.otel.conftest import ServedNow


class Run:
    """An agent of the framework, all within one event loop."""

    error = AgentRunError

    def __init__(self, provider: TracerProvider, server: ServedNow) -> None:
        settings = InstrumentationSettings(tracer_provider=provider)
        self._instrumentation = Instrumentation(settings)
        self._url = server.url
        self._clients: list[AsyncOpenAI] = []

    def until_done(self, work: Callable[[], Awaitable[object]]) -> None:
        """Run this to its end, clients closed."""

        async def whole() -> None:
            try:
                await work()
            finally:
                await self.close()

        asyncio.run(whole())

    async def close(self) -> None:
        """Close its clients."""
        for client in self._clients:
            await client.close()

    def agent(
        self, model: str = "gpt-4o-mini", fault: str = "ok", **more: Any
    ) -> Framework[None, str]:
        client = AsyncOpenAI(
            base_url=self._url,
            api_key="none",
            max_retries=0,
            timeout=0.3 if fault == "timeout" else 10,
            default_headers={"X-Simulate": fault.removeprefix("patient ")},
        )
        self._clients.append(client)
        return Framework(
            OpenAIChatModel(model, provider=OpenAIProvider(openai_client=client)),
            capabilities=[self._instrumentation],
            **more,
        )
