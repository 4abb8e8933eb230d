"""Client libraries measured without a line in the agent: `pulseguard.instrument()`."""

import importlib
import threading
from importlib.util import find_spec
from typing import Final, get_args

from pulseguard.agent import Agent
from pulseguard.errors import ConfigurationError
from pulseguard.guard import Guard, OncePerMinute, checked_strict
from pulseguard.instrumentation.measured import AskUsage, Meter
from pulseguard.instrumentation.patching import Patches

# By the name of the client library: our module for it, which has `wraps(meter)`.
_MODULES: Final = {
    "openai": "pulseguard.instrumentation.openai",
    "anthropic": "pulseguard.instrumentation.anthropic",
    "opentelemetry": "pulseguard.instrumentation.opentelemetry",
}
_lock = threading.Lock()
_instrumented: dict[str, "_Library"] = {}


def instrument(
    *names: str,
    agent: Agent | None = None,
    ask_usage: AskUsage = "known",
    strict: bool = False,
) -> tuple[str, ...]:
    """Measure every call that these client libraries make; all known and installed ones for none.

        pulseguard.instrument()                # openai, anthropic, opentelemetry: the installed
        pulseguard.instrument("openai")

    Returns the names of those that are measured now. A call belongs to `agent`, else to the one
    whose task is open around it, else to the one started last; the same call made by hand
    (`agent.llm_call()`) around it is counted once. Clients give back what they always did.

    Nothing is imported for this: a library that is not imported yet is measured from its import
    on. Said again it changes nothing but `agent` and `ask_usage`.

    `ask_usage`: token counts are missing from streamed chat completions unless asked for. They are
    asked for (`stream_options.include_usage`, and the chunk they come in is kept from the caller)
    of servers "known" to take the question, "always", or "never"; a call without them counts in
    pulseguard_calls_without_usage_total.

    A name that is unknown or not installed is logged; with `strict` it raises ConfigurationError.
    """
    strict = checked_strict(strict, OncePerMinute())
    wanted = names or tuple(
        name
        for name in _MODULES
        if _guard(False).attempt("look for a library", False, _is_installed, name)
    )
    return tuple(
        name
        for name in wanted
        if _guard(strict).attempt("instrument", False, _start, name, agent, ask_usage, strict)
    )


def uninstrument(*names: str) -> None:
    """Measure the calls of these libraries no longer; of all for none."""
    _guard(False).attempt("uninstrument", None, _stop, names)


def is_measured(name: str) -> bool:
    """Whether somebody has asked for this library."""
    library = _instrumented.get(name)
    return library is not None and library.is_measured


def checked_agent(agent: object) -> Agent | None:
    """The agent that calls are to belong to, if any; ConfigurationError where it is none."""
    if agent is None or isinstance(agent, Agent):
        return agent
    raise ConfigurationError("agent", type(agent).__name__, "give a pulseguard.Agent")


class _Library:
    """One client library: its meter and its patches."""

    def __init__(self, name: str) -> None:
        self._meter = Meter(name)
        wraps = importlib.import_module(_MODULES[name]).wraps(self._meter)
        self._patches = Patches(wraps, self._meter)

    @property
    def is_measured(self) -> bool:
        return self._meter.active

    def start(self, agent: Agent | None, ask_usage: AskUsage, strict: bool) -> None:
        with _lock:
            self._meter.agent = agent
            self._meter.ask_usage = ask_usage
            self._meter.guard.strict = strict
            self._meter.active = True
        self._patches.apply()

    def stop(self) -> None:
        with _lock:
            self._meter.active = False
        self._meter.journal.flush()
        self._patches.undo()


def _library(name: str) -> _Library:
    with _lock:
        found = _instrumented.get(name)
        if found is None:
            found = _instrumented[name] = _Library(name)
        return found


def _is_installed(name: str) -> bool:
    if find_spec(name) is None:
        return False
    # Its spans are the SDK's: the API alone makes none.
    return name != "opentelemetry" or find_spec("opentelemetry.sdk") is not None


def _start(name: object, agent: Agent | None, ask_usage: AskUsage, strict: bool) -> bool:
    if not isinstance(name, str):
        raise ConfigurationError("instrument", type(name).__name__, "give the name of a library")
    if name not in _MODULES:
        raise ConfigurationError("instrument", name, f"known are {', '.join(_MODULES)}")
    if not _is_installed(name):
        raise ConfigurationError("instrument", name, "it is not installed here")
    checked_agent(agent)
    if ask_usage not in get_args(AskUsage):
        raise ConfigurationError("ask_usage", str(ask_usage), f"one of {get_args(AskUsage)}")
    _library(name).start(agent, ask_usage, strict)
    return True


def _stop(names: tuple[str, ...]) -> None:
    # Nothing but text is compared: what fails at that would keep all others measured.
    texts = {str.__str__(name) for name in names if issubclass(type(name), str)}
    for name, library in tuple(_instrumented.items()):
        if not names or name in texts:
            library.stop()


def _guard(strict: bool) -> Guard:
    # One for each name, so that each has its line.
    return Guard(lambda operation: None, OncePerMinute(), strict)
