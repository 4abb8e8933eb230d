"""Every way to call a model with the openai client, and every fate that a call can have."""

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

STREAMED = ("stream", "raw_stream", "streaming_response_stream", "helper")
WHOLE = ("plain", "raw", "streaming_response", "parse")
WAYS = {
    "chat": (*WHOLE, *STREAMED),
    "responses": (*WHOLE, *STREAMED),
    "embeddings": ("plain", "raw", "streaming_response"),
}
FATES = ("ok", "retried", "refused", "timeout", "cut")
FATES_OF_STREAMS = ("closed", "abandoned", "never_read")
SIMULATED = {"retried": "429*1", "refused": "500", "timeout": "timeout", "cut": "cut"}
CHUNKS_READ = 3


class Scenario(NamedTuple):
    endpoint: str
    mode: str
    way: str
    fate: str

    @property
    def name(self) -> str:
        return "-".join(self)

    @property
    def streams(self) -> bool:
        return self.way in STREAMED


def scenarios() -> Iterator[Scenario]:
    """All of them."""
    for endpoint, mode in itertools.product(WAYS, ("sync", "async")):
        for way in WAYS[endpoint]:
            fates = FATES + (FATES_OF_STREAMS if way in STREAMED else ())
            for fate in fates + (("cancelled",) if mode == "async" else ()):
                yield Scenario(endpoint, mode, way, fate)


def arguments(scenario: Scenario, who: str) -> dict[str, Any]:
    """What the scenario asks for."""
    headers = {"X-Call-Id": scenario.name, "X-Agent": who}
    if scenario.fate in SIMULATED:
        headers["X-Simulate"] = SIMULATED[scenario.fate]
    elif scenario.fate == "cancelled" and not scenario.streams:
        headers["X-Simulate"] = "timeout"
    asked: dict[str, Any] = {"extra_headers": headers}
    asked["timeout"] = 0.5 if scenario.fate == "timeout" else 20
    text = "Tell me something."
    if scenario.endpoint == "chat":
        asked |= {"model": "o4-mini", "messages": [{"role": "user", "content": text}]}
    elif scenario.endpoint == "responses":
        asked |= {"model": "o4-mini", "input": text}
    else:
        asked |= {"model": "text-embedding-3-small", "input": [text, "A boat."], "dimensions": 4}
    if scenario.streams and scenario.way != "helper":
        asked["stream"] = True
    return asked


def method(client: Any, scenario: Scenario) -> Any:
    """The client's method for it."""
    client = client.with_options(max_retries=1 if scenario.fate == "retried" else 0)
    found = {
        "chat": lambda: client.chat.completions,
        "responses": lambda: client.responses,
        "embeddings": lambda: client.embeddings,
    }[scenario.endpoint]()
    if scenario.way.startswith("raw"):
        return found.with_raw_response.create
    if scenario.way.startswith("streaming_response"):
        return found.with_streaming_response.create
    return getattr(found, {"parse": "parse", "helper": "stream"}.get(scenario.way, "create"))
