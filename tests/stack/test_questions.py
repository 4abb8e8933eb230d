"""Questions with known answers, and log probabilities that know how sure to be."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from openai import OpenAI

from pulseguard_stack.model_server.questions import right_answer

INVOICE = "Invoice 7\nRent: 100.00\nTotal: EUR 128.40\nWhat is the invoice total?"
LABELS = "Classify the text as one of: refund, praise, complaint.\nText: "


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("What is 17 + 25?", "42"),
        ("Please: what is 3 - 10?", "-7"),
        ("What is 12 x -3?", "-36"),
        (INVOICE, "128.40"),
        (LABELS + "I want my refund, this is a complaint.", "refund"),
        (LABELS + "Praise be to the cook.", "praise"),
        (LABELS + "Nothing of it.", None),
        ("Total: 12.00", None),
        ("What is love?", None),
    ],
)
def test_a_question_has_one_right_answer(text, answer):
    assert right_answer(text) == answer


def test_the_share_of_right_answers_is_as_set_and_confidence_follows_it(start_server):
    server = start_server(
        "--first-token-median", "0", "--token-median", "0", "--right-share", "0.7"
    )
    right: list[float] = []
    wrong: list[float] = []

    def grade(client: OpenAI, number: int) -> None:
        question = f"What is {number} + 25?"
        answer: Any = client.chat.completions.create(
            model="gpt-4o",
            messages=[{"role": "user", "content": question}],
            logprobs=True,
            extra_headers={"X-Call-Id": str(number)},
        )
        choice = answer.choices[0]
        confidence = math.exp(min(token.logprob for token in choice.logprobs.content))
        is_right = choice.message.content == f"Answer: {right_answer(question)}"
        (right if is_right else wrong).append(confidence)

    with server.client() as client, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: grade(client, number), range(400)))

    assert 0.63 < len(right) / 400 < 0.77
    assert sum(right) / len(right) - sum(wrong) / len(wrong) > 0.2


@pytest.mark.parametrize("question", [INVOICE, LABELS + "A complaint."])
def test_other_questions_are_answered_right_and_wrong(client, question):
    answers = {
        client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": question}]
        ).choices[0].message.content
        for _ in range(60)
    }  # fmt: skip

    assert f"Answer: {right_answer(question)}" in answers
    assert len(answers) > 1
    assert all(answer.startswith("Answer: ") for answer in answers)
