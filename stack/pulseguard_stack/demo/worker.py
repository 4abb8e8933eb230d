"""What a demo agent is and has: its profile, and the desk that it works at."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import ClassVar

from pulseguard import Agent
from pulseguard.description import AgentType
from pulseguard_stack.demo.model_calls import ModelCalls
from pulseguard_stack.model_server.models import Model

GPT_4O = Model("gpt-4o", context_window=128_000)
GPT_4O_MINI = Model("gpt-4o-mini", context_window=128_000)
O4_MINI = Model("o4-mini", context_window=200_000, reasons=True)


@dataclass(frozen=True)
class Profile:
    """What an agent says of itself.

    `mishaps` are shares of its calls that the simulated server is asked to fail, by the word for
    it (`X-Simulate` in docs/simulated-model-server.md).
    """

    name: str
    type: AgentType
    team: str
    version: str
    purpose: str
    model: Model
    tools: tuple[str, ...] = ()
    mishaps: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Desk:
    """What a worker needs: its measured agent, the model, its own luck, and how fast time goes."""

    agent: Agent
    calls: ModelCalls
    luck: Random
    pace: float

    async def spend(self, low_seconds: float, high_seconds: float) -> None:
        """Lets some time go by, as work beside the model would."""
        await asyncio.sleep(self.luck.uniform(low_seconds, high_seconds) * self.pace)


class Worker(ABC):
    """One of the five: does one task after another."""

    profile: ClassVar[Profile]

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @abstractmethod
    async def do_task(self) -> None:
        """One piece of work; raises what made it fail (openai.OpenAIError)."""


def draw_mishap(mishaps: Mapping[str, float], luck: Random) -> str | None:
    """Which failure one call is to meet; None for most."""
    roll = luck.random()
    for word, share in mishaps.items():
        if roll < share:
            return word
        roll -= share
    return None
