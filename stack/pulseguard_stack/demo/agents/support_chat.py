"""support-chat: finds out what a customer wants, then answers, both streamed."""

from __future__ import annotations

from pulseguard_stack.demo.conversation import Conversation
from pulseguard_stack.demo.grading import grade
from pulseguard_stack.demo.worker import GPT_4O_MINI, Profile, Worker

_SYSTEM = "You are the first contact of a shop's customers: friendly, brief and exact."
_LABELS = "refund, delivery, praise, complaint"
_MESSAGES = (
    "I sent the {thing} back two weeks ago. When do I get my refund?",
    "Can I have a refund for the {thing}? It does not fit.",
    "The delivery of my {thing} was planned for yesterday. Where is it?",
    "May I change the address for the delivery of the {thing}?",
    "Praise where it is due: the {thing} is wonderful.",
    "This is a complaint. The {thing} broke on its first day.",
)
_THINGS = ("kettle", "lamp", "bicycle bell", "raincoat", "chess set", "tent")


class SupportChat(Worker):
    """One customer's message is one task."""

    profile = Profile(
        name="support-chat",
        type="LLM_AGENT",
        team="support",
        version="1.4.0",
        purpose="sorts and answers the messages of customers, streamed",
        model=GPT_4O_MINI,
        mishaps={"429*1": 0.03, "cut": 0.004},
    )

    async def do_task(self) -> None:
        """Sorts one message, grades that, and answers it."""
        talk = Conversation(self._desk.calls, self.profile.model, _SYSTEM)
        question = f"Classify the text as one of: {_LABELS}.\nText: {self._message()}"
        grade(self._desk.agent, question, await talk.ask_streamed(question))
        await talk.ask_streamed("Write the customer a short, friendly answer.")

    def _message(self) -> str:
        luck = self._desk.luck
        return luck.choice(_MESSAGES).format(thing=luck.choice(_THINGS))
