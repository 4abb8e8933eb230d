"""What only few agents use, the others do not load."""

import subprocess
import sys


def test_what_is_rarely_used_is_loaded_when_it_is() -> None:
    program = """
import sys
import pulseguard
agent = pulseguard.Agent("light")
with agent.task(), agent.llm_call(), agent.tool("search"):
    agent.evaluation("accuracy", 1)
    agent.guardrail("pii")
recording = ("decoration", "instruments", "own_metrics", "orchestration", "waiting")
late = ["inspect", "asyncio", *(f"pulseguard.recording.{name}" for name in recording)]
print([name for name in late if name in sys.modules])
agent.tool("search")(len)
agent.counter("documents_total"), agent.invoke("planner"), agent.waiting("human")
print([name for name in late if name not in sys.modules])
"""

    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )

    assert said.stdout.split("\n")[:2] == ["[]", "['asyncio']"]
