"""data-pipeline: labels records in batches, and fails now and then."""

from __future__ import annotations

from random import Random

from pulseguard_stack.demo.conversation import Conversation
from pulseguard_stack.demo.grading import grade_all
from pulseguard_stack.demo.model_calls import Reply
from pulseguard_stack.demo.worker import GPT_4O_MINI, Profile, Worker

_SYSTEM = "You label records. Answer with one label."
_LABELS = "sensor, meter, gateway"
_TEXTS = ("A {} of building {} was read.", "Row {1} comes from a {0}.", "{} number {} is silent.")
_RECORDS_IN_A_BATCH = 4
_RETIRED = "text-embedding-of-last-year"
_BATCHES_WITH_A_RETIRED_MODEL = 0.05


class DataPipeline(Worker):
    """One batch of records is one task; a batch of which one record fails has failed."""

    profile = Profile(
        name="data-pipeline",
        type="DATA_AGENT",
        team="data",
        version="3.2.5",
        purpose="labels records in batches",
        model=GPT_4O_MINI,
        mishaps={"500": 0.008, "429": 0.004, "429*1": 0.03},
    )

    async def do_task(self) -> None:
        """Makes sure of the model, labels each record, and grades the batch."""
        luck = self._desk.luck
        retired = luck.random() < _BATCHES_WITH_A_RETIRED_MODEL
        await self._desk.calls.look_up(_RETIRED if retired else self.profile.model.name)
        questions = [_question(luck) for _ in range(_RECORDS_IN_A_BATCH)]
        grade_all(self._desk.agent, [(each, await self._label(each)) for each in questions])

    async def _label(self, question: str) -> Reply:
        return await Conversation(self._desk.calls, self.profile.model, _SYSTEM).ask(question)


def _question(luck: Random) -> str:
    text = luck.choice(_TEXTS).format(luck.choice(_LABELS.split(", ")), luck.randint(1, 400))
    return f"Classify the text as one of: {_LABELS}.\nText: {text}"
