"""invoice-extraction: reads the total from invoices."""

from __future__ import annotations

from random import Random

from pulseguard_stack.demo.conversation import Conversation
from pulseguard_stack.demo.grading import grade
from pulseguard_stack.demo.worker import GPT_4O, Profile, Worker

_SYSTEM = "You read invoices. Give the total as it stands there, nothing else."
_ITEMS = ("Rent", "Paper", "Hosting", "Travel", "Consulting", "Insurance", "Cleaning")


class InvoiceExtraction(Worker):
    """One invoice is one task."""

    profile = Profile(
        name="invoice-extraction",
        type="API_AGENT",
        team="finance",
        version="2.1.0",
        purpose="reads the totals of invoices",
        model=GPT_4O,
        mishaps={"429*1": 0.02, "500*1": 0.02, "400-content-filter": 0.003},
    )

    async def do_task(self) -> None:
        """Reads one invoice and grades what was read."""
        reader = Conversation(self._desk.calls, self.profile.model, _SYSTEM)
        question = f"{_invoice(self._desk.luck)}\nWhat is the invoice total?"
        grade(self._desk.agent, question, await reader.ask(question))


def _invoice(luck: Random) -> str:
    items = luck.sample(_ITEMS, luck.randint(2, 5))
    cents = [luck.randint(500, 90_000) for _ in items]
    lines = [f"{item}: {amount / 100:.2f}" for item, amount in zip(items, cents, strict=True)]
    number = luck.randint(1000, 9999)
    return "\n".join([f"Invoice {number}", *lines, f"Total: EUR {sum(cents) / 100:.2f}"])
