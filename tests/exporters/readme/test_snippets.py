"""The snippets of the exporter's README do what it says of them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulseguard.catalog import (
    COST,
    EVALUATION_SCORE,
    EXECUTE_TOOL_DURATION,
    OPERATION_DURATION,
    TASKS_STARTED,
    TOKENS,
    UNPRICED_TOKENS,
)
from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.group.programs import Programs
from tests.exporters.instrumentation.model_server import ModelServer, model_server
from tests.exporters.observing import total
from tests.exporters.readme.fences import FENCES, README, text_of

SNIPPETS = [fence.text for fence in FENCES if fence.name == "python"]
CALLS = f"{OPERATION_DURATION.name}_count"
TOOLS = f"{EXECUTE_TOOL_DURATION.name}_count"
SCORES = f"{EVALUATION_SCORE.name}_count"

# What has to be on the page after each snippet, in their order in the README.
EXPECTED = (
    {TASKS_STARTED.name: 1},
    {CALLS: 2},
    {CALLS: 1},
    # Its model is in the table of genai-prices.
    {CALLS: 1, TOKENS.name: 17, UNPRICED_TOKENS.name: 0},
    {
        CALLS: 1,
        TASKS_STARTED.name: 1,
        TOOLS: 1,
        SCORES: 1,
        "agent_pages_read_total": 1,
        TOKENS.name: 976,
        # By the prices file that the README shows.
        COST.name: (812 * 0.2 + 164 * 0.6) / 1e6,
    },
)
KNOWN = ["python"] * len(EXPECTED) + ["pulseguard", "json"]
KNOWN += ["app.py", "gunicorn", "tasks.py", "celery", "handler.py"]  # by test_processes.py

# The page, as Prometheus would fetch it.
LOOK = """
import asyncio, urllib.request
if "answer" in globals():
    assert asyncio.run(answer("what")) == "what"
print(urllib.request.urlopen(f"http://{agent.metrics_address}/metrics").read().decode())
"""
# A program that knows nothing of PulseGuard.
AGENT = """
from openai import OpenAI

OpenAI().chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hello"}])
"""


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with model_server() as server:
        yield server


@pytest.fixture(scope="module")
def models(server: ModelServer) -> dict[str, str]:
    """Where the clients find their models."""
    return {
        "OPENAI_BASE_URL": f"{server.url}/v1",
        "OPENAI_API_KEY": "none",
        "ANTHROPIC_BASE_URL": server.url,
        "ANTHROPIC_API_KEY": "none",
    }


def test_every_fence_is_known_here() -> None:
    assert [fence.name for fence in FENCES] == KNOWN


def test_code_stands_in_fences_only() -> None:
    prose = re.sub(r"^```.*?^```$", "", README, flags=re.S | re.M)

    assert re.findall(r"\n\n {4}.*|~~~.*|.*```.*", prose) == []


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_a_snippet_of_the_readme_is_measured(
    number: int, models: dict[str, str], tmp_path: Path
) -> None:
    prices = tmp_path / "prices.json"
    prices.write_text(text_of("json"))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
        "PULSEGUARD_METRICS_PORT": "0",
        "PULSEGUARD_PRICES_FILE": str(prices),
        **models,
    }

    ran = subprocess.run(
        [sys.executable, "-c", SNIPPETS[number] + LOOK],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    found = {name: total(ran.stdout, name) for name in EXPECTED[number]}
    assert found == pytest.approx(EXPECTED[number])


def test_pulseguard_run_measures_a_program_that_knows_nothing_of_it(
    models: dict[str, str], registry: FakeRegistry, programs: Programs
) -> None:
    (programs.folder / "agent.py").write_text(AGENT)

    program = programs.run(shlex.split(text_of("pulseguard")), **models)

    assert program.end(seconds=30) == 0
    assert [agent["name"] for agent in registry.agents.values()] == ["agent"]
    assert registry.total("model_calls") == 1
    assert len(registry.goodbyes) == 1
