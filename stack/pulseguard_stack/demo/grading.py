"""How good an answer was: tasks with known answers, graded by the agent itself."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

from pulseguard import Agent
from pulseguard_stack.demo.model_calls import Reply
from pulseguard_stack.model_server.questions import right_answer


def grade(agent: Agent, question: str, reply: Reply) -> None:
    """Records whether the reply is right, and how sure the model was, where it says that."""
    grade_all(agent, [(question, reply)])


def grade_all(agent: Agent, answered: Iterable[tuple[str, Reply]]) -> None:
    """Records the share of right replies, and their mean confidence, as one evaluation each."""
    pairs = list(answered)
    agent.evaluation("accuracy", fmean(is_right(question, reply.text) for question, reply in pairs))
    sure = [reply.confidence for _, reply in pairs if reply.confidence is not None]
    if sure:
        agent.evaluation("confidence", fmean(sure))


def is_right(question: str, answer: str) -> bool:
    """Whether an answer is the known one."""
    return answer.strip() == f"Answer: {right_answer(question)}"
