"""What is this agent doing, and how well?

* How are the eight AI fields now: inference time, accuracy, confidence, tokens, context, calls?
* In which state was it when, what runs there, and what fires about it?
* How do its tasks and model calls go, what do they cost, what fails?
* Is its process well, and does its exporter tell everything?
"""

from __future__ import annotations

from pulseguard_grafana.agent_rows import health, model_calls, now, process, work
from pulseguard_grafana.page import Page, Row
from pulseguard_grafana.scope import AGENT
from pulseguard_grafana.simulation import simulated_line

page = Page(
    name="agent",
    title="Agent",
    questions=__doc__ or "",
    of_agents=True,
    top=[*now.EIGHT_FIELDS, now.IDENTITY, *now.TIMELINES, *health.HEALTH, simulated_line(AGENT)],
    rows=[
        Row("Tasks", work.TASKS),
        Row("Latency", model_calls.LATENCY),
        Row("Model calls", model_calls.CALLS),
        Row("Tokens and cost", model_calls.TOKENS),
        Row("Errors", work.ERRORS),
        Row("Tools", work.TOOLS),
        Row("Evaluations", work.EVALUATIONS),
        Row("Context window", model_calls.CONTEXT),
        Row("Process", process.PROCESS, is_open=False),
        Row("Exporter", process.EXPORTER, is_open=False),
    ],
)
