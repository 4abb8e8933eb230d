"""The snippets of the exporter's README do what it says of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulseguard.catalog import (
    EVALUATION_SCORE,
    EXECUTE_TOOL_DURATION,
    OPERATION_DURATION,
    TASKS_STARTED,
    TOKENS,
)
from tests.exporters.instrumentation.model_server import ModelServer, model_server
from tests.exporters.observing import total

README = Path(__file__).parents[2] / "exporters" / "README.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
CALLS = f"{OPERATION_DURATION.name}_count"
TOOLS = f"{EXECUTE_TOOL_DURATION.name}_count"
SCORES = f"{EVALUATION_SCORE.name}_count"

# What has to be on the page after each snippet, in their order in the README.
EXPECTED = (
    {TASKS_STARTED.name: 1},
    {CALLS: 2},
    {CALLS: 1},
    {CALLS: 1, TOKENS.name: 17},
    {
        CALLS: 1,
        TASKS_STARTED.name: 1,
        TOOLS: 1,
        SCORES: 1,
        "agent_pages_read_total": 1,
        TOKENS.name: 976,
    },
)
# The page, as Prometheus would fetch it.
LOOK = """
import asyncio, urllib.request
if "answer" in globals():
    assert asyncio.run(answer("what")) == "what"
print(urllib.request.urlopen(f"http://{agent.metrics_address}/metrics").read().decode())
"""


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with model_server() as server:
        yield server


def test_every_snippet_is_known_here() -> None:
    assert len(SNIPPETS) == len(EXPECTED)


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_a_snippet_of_the_readme_is_measured(
    number: int, server: ModelServer, tmp_path: Path
) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
        "PULSEGUARD_METRICS_PORT": "0",
        "OPENAI_BASE_URL": f"{server.url}/v1",
        "OPENAI_API_KEY": "none",
        "ANTHROPIC_BASE_URL": server.url,
        "ANTHROPIC_API_KEY": "none",
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
    assert {name: total(ran.stdout, name) for name in EXPECTED[number]} == EXPECTED[number]
