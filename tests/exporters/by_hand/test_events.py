"""Guardrails, humans, loops, compactions, evaluations: counted at once, by bounded names."""

import logging

import pytest

from pulseguard.catalog import (
    CONTEXT_COMPACTIONS,
    EVALUATION_LAST_SCORE,
    EVALUATION_SCORE,
    EXPORTER_DROPPED,
    EXPORTER_FAILURES,
    GUARDRAIL_TRIGGERS,
    HUMAN_INTERVENTIONS,
    LOOP_SUSPICIONS,
    OTHER,
    Detail,
)
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import samples, scrape, total


def test_what_may_yet_happen_is_counted_from_zero(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    text = scrape(agent)

    for kind in ("approval", "correction", "takeover"):
        assert f'{HUMAN_INTERVENTIONS.name}{{kind="{kind}"}} 0\n' in text
    for signal in ("repeat_call", "no_progress", "token_velocity"):
        assert f'{LOOP_SUSPICIONS.name}{{signal="{signal}"}} 0\n' in text
    assert f"{CONTEXT_COMPACTIONS.name} 0\n" in text


def test_events_are_counted_by_what_they_are(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    agent.guardrail("pii")
    agent.guardrail("pii", action="redact")
    agent.guardrail("pii", action="redact")
    agent.human_intervention("approval")
    agent.loop_suspicion("repeat_call")
    agent.context_compacted()
    agent.context_compacted()

    text = scrape(agent)
    assert total(text, GUARDRAIL_TRIGGERS, guardrail="pii", action="block") == 1
    assert total(text, GUARDRAIL_TRIGGERS, guardrail="pii", action="redact") == 2
    assert total(text, HUMAN_INTERVENTIONS, kind="approval") == 1
    assert total(text, LOOP_SUSPICIONS, signal="repeat_call") == 1
    assert total(text, CONTEXT_COMPACTIONS) == 2


def test_a_word_that_is_none_of_the_list_is_another(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    agent.guardrail("pii", action="bark")  # type: ignore[arg-type]
    agent.human_intervention("coffee")  # type: ignore[arg-type]
    agent.loop_suspicion(None)  # type: ignore[arg-type]

    text = scrape(agent)
    assert total(text, GUARDRAIL_TRIGGERS, action=OTHER) == 1
    assert total(text, HUMAN_INTERVENTIONS, kind=OTHER) == 1
    assert total(text, LOOP_SUSPICIONS, signal=OTHER) == 1
    assert total(text, EXPORTER_FAILURES) == 0


def test_guardrails_without_room_of_their_own_are_still_counted(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    for number in range(100):
        agent.guardrail(f"guardrail {number}")

    text = scrape(agent)
    assert total(text, GUARDRAIL_TRIGGERS) == 100
    assert total(text, GUARDRAIL_TRIGGERS, guardrail=OTHER) == 70
    assert total(text, EXPORTER_DROPPED, metric=GUARDRAIL_TRIGGERS.name) == 70


@pytest.mark.parametrize("detail", ["lean", "standard"])
def test_the_two_evaluations_of_the_snapshot_have_room_however_late_they_come(
    make_agent: MakeAgent, detail: Detail
) -> None:
    agent = make_agent(detail=detail)
    agent.start()

    for number in range(500):
        name = f"number {number}"
        agent.evaluation(name, 0.5)
        with agent.tool(name), agent.api_call(name), agent.llm_call(name, name):
            pass
        with agent.mcp_call(name, name), agent.invoke(name), agent.workflow(name):
            agent.guardrail(name)
    agent.evaluation("accuracy", 0.9)
    agent.evaluation("confidence", 0.8)

    text = scrape(agent)
    for name, score in (("accuracy", 0.9), ("confidence", 0.8)):
        assert total(text, f"{EVALUATION_SCORE.name}_sum", gen_ai_evaluation_name=name) == score
        assert total(text, EVALUATION_LAST_SCORE, gen_ai_evaluation_name=name) == score
    assert total(text, f"{EVALUATION_SCORE.name}_count") == 502
    names = {dict(labels).get("gen_ai_evaluation_name") for _, labels in samples(text)} - {None}
    assert len(names) <= 11
    assert len(samples(text)) <= 1000


def test_a_misspelt_argument_is_named_in_the_log_and_nothing_else(
    make_agent: MakeAgent, caplog: pytest.LogCaptureFixture
) -> None:
    agent = make_agent(strict=False)
    agent.start()
    prompt = "the text of a prompt"

    agent.guardrail(nmae=prompt)  # type: ignore[call-arg]
    agent.evaluation(prompt)  # type: ignore[call-arg]
    with agent.llm_call(modle=prompt) as call:  # type: ignore[call-arg]
        call.usage(tokens=3)  # type: ignore[call-arg]
    with agent.tool(prompt, "function", prompt):  # type: ignore[call-arg]
        pass
    agent.counter("documents_total").inc(amount=3)  # type: ignore[call-arg]

    for said in ("'nmae'", "missing 1 required positional argument: 'score'", "'modle'"):
        assert said in caplog.text
    for said in ("'tokens'", "takes from 2 to 3 positional arguments", "'amount'"):
        assert said in caplog.text
    assert prompt not in caplog.text
    assert prompt not in scrape(agent)
    assert total(scrape(agent), EXPORTER_FAILURES) == 6


def test_strict_raises_what_is_misspelt(make_agent: MakeAgent) -> None:
    agent = make_agent()

    with pytest.raises(TypeError, match="'modle'"):
        agent.llm_call(modle="gpt-4o")  # type: ignore[call-arg]


def test_a_log_handler_that_raises_raises_nothing_into_the_agent(make_agent: MakeAgent) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("the disk is full")

    handler = Broken()
    logging.getLogger("pulseguard").addHandler(handler)
    try:
        agent = make_agent(strict=False)
        agent.start()
        agent.evaluation("accuracy", 7)
    finally:
        logging.getLogger("pulseguard").removeHandler(handler)

    assert total(scrape(agent), EXPORTER_FAILURES) == 1
