"""Questions with a known answer, so that whoever asks can grade the reply.

Three kinds are recognised in the last message of the user:

* arithmetic         `What is 17 + 25?` (whole numbers; `+`, `-`, `*`, `x`)
* invoice total      a text with a line `Total: 128.40` (a currency before or after the number is
                     allowed) and the question `What is the invoice total?`
* classification     `Classify the text as one of: refund, praise, complaint.` followed by
                     `Text: ...`; the right label is the first one that the text contains as a word

The reply is always the line `Answer: <value>`. A seeded share of the replies is wrong: another
number, another amount, another label. Grade with `right_answer(text)`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

_ARITHMETIC = re.compile(r"\bwhat is (-?\d{1,9}) ?([-+*x]) ?(-?\d{1,9})\?", re.IGNORECASE)
_TOTAL_QUESTION = re.compile(r"\bwhat is the invoice total\?", re.IGNORECASE)
_TOTAL_LINE = re.compile(
    r"^\s*total:\s*(?:[A-Z]{3}|[€$£])?\s*(\d{1,9}\.\d{2})\b", re.IGNORECASE | re.MULTILINE
)
_LABELS = re.compile(r"\bclassify the text as one of: ([\w, -]+)\.", re.IGNORECASE)
_TEXT = re.compile(r"\btext: (.+)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Question:
    """A question's right answer, and wrong ones that look like it."""

    right: str
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """The text of a reply, and whether it is right."""

    text: str
    is_right: bool


def find_question(text: str) -> Question | None:
    """The question that a message asks, or None where there is none with a known answer."""
    return _arithmetic(text) or _invoice_total(text) or _classification(text)


def right_answer(text: str) -> str | None:
    """What a right reply to `text` says after `Answer: `; None for an unknown question."""
    question = find_question(text)
    return question.right if question else None


def answer_question(question: Question, right_share: float, luck: Random) -> Answer:
    """A reply that is right with the probability `right_share`."""
    is_right = luck.random() < right_share
    value = question.right if is_right else luck.choice(question.wrong)
    return Answer(f"Answer: {value}", is_right)


def _arithmetic(text: str) -> Question | None:
    match = _ARITHMETIC.search(text)
    if match is None:
        return None
    left, operator, right = int(match[1]), match[2].lower(), int(match[3])
    results = {"+": left + right, "-": left - right, "*": left * right, "x": left * right}
    result = results[operator]
    return Question(str(result), tuple(str(result + slip) for slip in (-10, -1, 1, 2, 10)))


def _invoice_total(text: str) -> Question | None:
    total = _TOTAL_LINE.search(text)
    if total is None or _TOTAL_QUESTION.search(text) is None:
        return None
    whole, cents = total[1].split(".")
    return Question(total[1], (f"{int(whole) + 10}.{cents}", f"{int(whole) + 1}.{cents}"))


def _classification(text: str) -> Question | None:
    labels_part, text_part = _LABELS.search(text), _TEXT.search(text)
    if labels_part is None or text_part is None:
        return None
    labels = [label.strip() for label in labels_part[1].split(",") if label.strip()]
    words = text_part[1].lower()
    right = next((label for label in labels if _is_word_in(label.lower(), words)), None)
    wrong = tuple(label for label in labels if label != right)
    return Question(right, wrong) if right and wrong else None


def _is_word_in(word: str, text: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", text) is not None
