"""`pulseguard.instrument()`: what it finds, what it costs, what becomes of what it wraps."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai.resources.chat.completions.completions import AsyncCompletions, Completions
from openai.resources.embeddings import Embeddings

import pulseguard
from pulseguard import ConfigurationError, instrumentation
from pulseguard.instrumentation.measured import Meter
from pulseguard.instrumentation.methods import followed
from pulseguard.instrumentation.patching import Patches, Wrap


@pytest.fixture(autouse=True)
def nothing_instrumented() -> Iterator[None]:
    yield
    pulseguard.uninstrument()


def python(program: str) -> str:
    """What a fresh interpreter prints."""
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_pulseguard_brings_no_instrumentation():
    loaded = python(
        "import pulseguard, sys; "
        "print([n for n in sys.modules if 'instrumentation' in n or n in ('openai', 'anthropic')])"
    )

    assert loaded == "[]"


def test_instrument_imports_no_client_and_measures_it_once_somebody_does():
    told = python(
        "import pulseguard, sys\n"
        "print(pulseguard.instrument(), [n for n in ('openai', 'anthropic') if n in sys.modules])\n"
        "import openai\n"
        "openai.OpenAI(api_key='none').chat.completions\n"
        "from openai.resources.chat.completions.completions import Completions\n"
        "print(Completions.create.__globals__['__name__'])\n"
    )

    assert told.splitlines() == [
        "('openai', 'anthropic', 'opentelemetry') []",
        "pulseguard.instrumentation.methods",
    ]


def test_a_module_imported_under_watch_is_like_any_other():
    look = "print(spec.loader, m.__loader__ is spec.loader, spec.loader.get_source(spec.name)[:30])"
    program = "import openai._streaming as m; spec = m.__spec__; " + look

    plain = python(program)
    watched = python("import pulseguard; pulseguard.instrument(); " + program)

    def without_address(text: str) -> str:
        return text.partition(" object at ")[0] + text.partition(">")[2]

    assert without_address(watched) == without_address(plain)


def test_a_finder_from_before_find_spec_does_not_end_a_watched_import():
    told = python(
        "import pulseguard, sys, warnings\n"
        "warnings.simplefilter('ignore', ImportWarning)\n"
        "class Old:\n"
        "    def find_module(self, name, path=None): return None\n"
        "sys.meta_path.insert(0, Old())\n"
        "pulseguard.instrument('openai')\n"
        "from openai.resources.chat.completions.completions import Completions\n"
        "print(Completions.create.__globals__['__name__'])\n"
    )

    assert told == "pulseguard.instrumentation.methods"


def test_a_failing_import_stays_failing_and_works_when_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(tmp_path)
    source = tmp_path / "half_made_client.py"
    source.write_text("class Client:\n    def ask(self): return 1\n1 / 0\n")
    meter = Meter("half_made_client")
    seen: list[Any] = []
    patches = Patches(
        [Wrap("half_made_client", "Client", "ask", lambda m: followed(m, meter, note(seen)))], meter
    )
    patches.apply()

    with pytest.raises(ZeroDivisionError):
        importlib.import_module("half_made_client")
    source.write_text("class Client:\n    def ask(self): return 2  # mended\n")
    importlib.invalidate_caches()
    module = importlib.import_module("half_made_client")

    assert module.Client().ask() == 2
    assert seen == [2]
    patches.undo()


def note(seen: list[Any]) -> Any:
    return lambda owner, returned: seen.append(returned)


def test_signatures_and_names_stay(monkeypatch: pytest.MonkeyPatch):
    methods = [(Completions, "create"), (AsyncCompletions, "create"), (Embeddings, "create")]
    before = [_looks(getattr(owner, name)) for owner, name in methods]

    pulseguard.instrument("openai")

    assert [_looks(getattr(owner, name)) for owner, name in methods] == before


def _looks(method: Any) -> tuple[object, ...]:
    return inspect.signature(method), method.__name__, method.__qualname__, method.__doc__


def test_an_unknown_or_missing_library_is_a_log_line_and_the_others_are_measured(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(instrumentation._MODULES, "not_installed_here", "x")
    odd: Any = [None, 3, ["openai"]]

    assert pulseguard.instrument("openia", "not_installed_here", "openai", *odd) == ("openai",)

    assert "instrument='openia' cannot be used: known are openai, anthropic" in caplog.text
    assert "instrument='not_installed_here' cannot be used: it is not installed" in caplog.text


class Hostile:
    """Fails at whatever it is asked."""

    def __eq__(self, other: object) -> bool:
        raise ArithmeticError

    def __hash__(self) -> int:
        raise ArithmeticError

    def __repr__(self) -> str:
        raise ArithmeticError


def test_no_argument_makes_it_raise(caplog: pytest.LogCaptureFixture):
    odd: Any = Hostile()

    assert pulseguard.instrument(odd) == ()
    assert pulseguard.instrument("openai", agent=odd) == ()
    assert pulseguard.instrument("openai", ask_usage=odd) == ()
    pulseguard.uninstrument(odd)

    assert "agent='Hostile' cannot be used: give a pulseguard.Agent" in caplog.text


def test_strict_raises_for_what_cannot_be_used():
    with pytest.raises(ConfigurationError, match="openia"):
        pulseguard.instrument("openia", strict=True)
    with pytest.raises(ConfigurationError, match="ask_usage"):
        pulseguard.instrument("openai", ask_usage="perhaps", strict=True)  # type: ignore[arg-type]


def test_a_method_that_a_version_lacks_is_left_out_and_said(caplog: pytest.LogCaptureFixture):
    meter = Meter("json")
    wraps = [
        Wrap("json", "JSONDecoder", "no_such", lambda method: method),
        Wrap("json", "NoSuch", "decode", lambda method: method),
    ]

    Patches(wraps, meter).apply()

    assert [line.split(" is not")[0] for line in caplog.messages] == [
        "json.JSONDecoder.no_such",
        "json.NoSuch.decode",
    ]


def test_many_threads_instrument_once():
    before = Completions.__dict__["create"]
    together = threading.Barrier(16)

    def instrument() -> None:
        together.wait()
        pulseguard.instrument("openai")

    threads = [threading.Thread(target=instrument) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Completions.__dict__["create"].__wrapped__ is before
