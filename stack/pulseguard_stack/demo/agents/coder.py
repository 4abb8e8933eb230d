"""coder: mends failing tests in several steps, with tools."""

from __future__ import annotations

from pulseguard_stack.demo.conversation import Conversation
from pulseguard_stack.demo.errors import ToolFailed
from pulseguard_stack.demo.grading import grade
from pulseguard_stack.demo.tools import Tool, Toolbox
from pulseguard_stack.demo.worker import GPT_4O, Desk, Profile, Worker

_SYSTEM = "You mend failing tests. Search the code before you change it, and run the tests after."
_MODULES = ("pricing", "shipping", "stock", "invoices", "vouchers")
_FAILING_RUNS = 0.08


class Coder(Worker):
    """One failing test is one task."""

    profile = Profile(
        name="coder",
        type="TASK_AGENT",
        team="engineering",
        version="0.9.2",
        purpose="mends failing tests step by step, with tools",
        model=GPT_4O,
        tools=("search_code", "run_tests"),
        mishaps={"500*1": 0.02, "400-context": 0.004},
    )

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._toolbox = Toolbox(
            desk.agent,
            [
                Tool("search_code", "Finds lines of the code.", "query", self._search_code),
                Tool("run_tests", "Runs the tests of a module.", "module", self._run_tests),
            ],
        )

    async def do_task(self) -> None:
        """Finds the cause, works out the value that the test expects, grades that, sums up."""
        luck = self._desk.luck
        talk = Conversation(self._desk.calls, self.profile.model, _SYSTEM)
        failing = f"A test of the module {luck.choice(_MODULES)} fails."
        await talk.ask_with_tools(f"{failing} Find out why.", self._toolbox)
        question = (
            f"The test expects a product. What is {luck.randint(3, 99)} x {luck.randint(3, 99)}?"
        )
        grade(self._desk.agent, question, await talk.ask_with_tools(question, self._toolbox))
        await talk.ask("Write the commit message.")

    async def _search_code(self, query: str) -> str:
        await self._desk.spend(0.02, 0.15)
        return f"{self._desk.luck.randint(1, 9)} lines hold {query!r}."

    async def _run_tests(self, module: str) -> str:
        await self._desk.spend(0.2, 1.2)
        if self._desk.luck.random() < _FAILING_RUNS:
            raise ToolFailed(f"the tests of {module} could not be collected")
        return f"{self._desk.luck.randint(10, 60)} tests of {module} passed, 1 failed."
