"""Work for an agent to record, and the judgement whether the registry got it all."""

from pulseguard import Agent
from pulseguard.catalog import ERRORS, OPERATION_DURATION, TASKS, TOKENS
from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.observing import total


def work(agent: Agent, times: int = 20) -> None:
    """Calls with tokens, some that fail, tasks that end both ways, outbound calls."""
    for number in range(times):
        with agent.task() as task, agent.llm_call(provider="p", model=f"m{number % 3}") as call:
            call.usage(input_tokens=10, output_tokens=5, cache_read_tokens=3, reasoning_tokens=2)
            if number % 4 == 0:
                call.error("rate_limit")
                task.fail("rate_limit")
        with agent.api_call("api.example.com") as outbound:
            outbound.status(200)


def assert_snapshots_equal_counters(registry: FakeRegistry, text: str) -> None:
    calls = total(text, f"{OPERATION_DURATION.name}_count")
    assert registry.contradictions == []
    assert registry.total("model_calls") == calls
    assert registry.total("api_calls_made") == calls + total(
        text, "http_client_request_duration_seconds_count"
    )
    assert registry.total("tokens_processed") == total(text, TOKENS)
    assert registry.total("tasks_completed") == total(text, TASKS, outcome="completed")
    assert registry.total("tasks_failed") == total(text, TASKS, outcome="failed")
    for kind in ("input", "cache_read", "cache_write", "output", "reasoning"):
        stored = sum(snapshot["tokens"][kind] for snapshot in registry.stored())
        assert stored == total(text, TOKENS, gen_ai_token_type=kind)
    rate_limited = sum(each["model_errors"].get("rate_limit", 0) for each in registry.stored())
    assert rate_limited == total(text, ERRORS, error_type="rate_limit", source="chat")
