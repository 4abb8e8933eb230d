"""researcher: answers questions from a long dossier that the provider caches, and reasons first."""

from __future__ import annotations

from pulseguard_stack.demo.conversation import Conversation
from pulseguard_stack.demo.errors import ToolFailed
from pulseguard_stack.demo.grading import grade
from pulseguard_stack.demo.tools import Tool, Toolbox
from pulseguard_stack.demo.worker import O4_MINI, Desk, Profile, Worker

_SOURCES = 90
_QUESTIONS_IN_A_SESSION = 8
_FAILING_FETCHES = 0.05


class Researcher(Worker):
    """One question is one task; several in a row are one conversation, so its context grows."""

    profile = Profile(
        name="researcher",
        type="LLM_AGENT",
        team="research",
        version="2.0.1",
        purpose="answers questions from a long dossier, with a reasoning model and tools",
        model=O4_MINI,
        tools=("search", "fetch"),
        mishaps={"429*1": 0.02, "500": 0.004},
    )

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._asked = 0
        self._session = self._new_session()
        self._toolbox = Toolbox(
            desk.agent,
            [
                Tool("search", "Searches the library.", "query", self._search),
                Tool("fetch", "Reads a page.", "address", self._fetch),
            ],
        )

    async def do_task(self) -> None:
        """Answers one question with tools and grades the answer."""
        if self._asked == _QUESTIONS_IN_A_SESSION:
            self._asked, self._session = 0, self._new_session()
        self._asked += 1
        luck = self._desk.luck
        first, second = luck.sample(range(1, _SOURCES + 1), 2)
        question = (
            f"Add up what sources {first} and {second} count. "
            f"What is {_count_of(first)} + {_count_of(second)}?"
        )
        reply = await self._session.ask_with_tools(question, self._toolbox)
        grade(self._desk.agent, question, reply)

    def _new_session(self) -> Conversation:
        # The same beginning each time: from the second session on it comes from the cache.
        return Conversation(self._desk.calls, self.profile.model, _dossier())

    async def _search(self, query: str) -> str:
        await self._desk.spend(0.1, 0.6)
        found = self._desk.luck.sample(range(1, _SOURCES + 1), 5)
        return f"Sources that speak of {query!r}: {', '.join(map(str, found))}."

    async def _fetch(self, address: str) -> str:
        await self._desk.spend(0.2, 1.0)
        if self._desk.luck.random() < _FAILING_FETCHES:
            raise ToolFailed(f"{address} does not answer")
        return "\n".join(_source(number) for number in range(1, 21))


def _dossier() -> str:
    sources = "\n".join(_source(number) for number in range(1, _SOURCES + 1))
    return f"You answer questions from these sources and name them.\n{sources}"


def _source(number: int) -> str:
    year, ships = 1800 + number, _count_of(number)
    return f"Source {number}: the lighthouse keeper's log of {year} counts {ships} ships."


def _count_of(number: int) -> int:
    return 300 + 37 * number % 211
