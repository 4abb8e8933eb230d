"""The names that a Prometheus has, read once a minute and never while somebody waits for them."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

from pulseguard.doctor.web import NoAnswer, ask
from pulseguard_registry.errors import NamesUnknown
from pulseguard_registry.rules.checking.known_names import KnownNames, catalogue_names

READ_SECONDS: Final = 60.0
# While it does not answer: soon, since a registry is often started before its Prometheus.
AGAIN_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 10.0

# What a metric's series add to its name. The counters of a client library that still tells when
# each began have `_created` as well.
_SUFFIXES: Final = ("_total", "_bucket", "_sum", "_count", "_info", "_created")
_NO_COUNTERS: Final = ("_created",)

log = logging.getLogger("pulseguard.registry")


class PrometheusNames:
    """What is known of names: the catalogue, and what a Prometheus has, as it was last read."""

    def __init__(self, url: str | None) -> None:
        self._url = None if url is None else url.rstrip("/")
        self._known = catalogue_names()
        self._trouble: str | None = None

    def __call__(self) -> KnownNames:
        """Those that are known now; answers at once."""
        return self._known

    async def run(self) -> None:
        """Go on for ever, reading; what was read is kept while Prometheus does not answer."""
        if self._url is None:
            return
        while True:
            read = await _in_thread_of_its_own(self._url)
            if isinstance(read, KnownNames):
                self._known = read
            self._tell(None if isinstance(read, KnownNames) else str(read))
            await asyncio.sleep(READ_SECONDS if self._trouble is None else AGAIN_SECONDS)

    def _tell(self, trouble: str | None) -> None:
        if trouble is not None and trouble != self._trouble:
            log.warning("rules are not checked against what Prometheus has: %s", trouble)
        if trouble is None and self._trouble is not None:
            log.info("rules are checked against what Prometheus has again")
        self._trouble = trouble


async def _in_thread_of_its_own(url: str) -> KnownNames | NamesUnknown:
    """What was read, or why not; a pool's thread would hold up the end for as long as it waits."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[KnownNames | NamesUnknown] = loop.create_future()

    def finish(read: KnownNames | NamesUnknown) -> None:
        if not done.done():
            done.set_result(read)

    def work() -> None:
        try:
            read: KnownNames | NamesUnknown = read_names(url)
        except NamesUnknown as error:
            read = error
        # The loop may have ended meanwhile.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(finish, read)

    threading.Thread(target=work, daemon=True, name="names of Prometheus").start()
    return await done


def read_names(url: str) -> KnownNames:
    """Ask the Prometheus at this address; NamesUnknown where it does not tell."""
    names = _texts(_data(url, "/api/v1/label/__name__/values"))
    labels = _texts(_data(url, "/api/v1/labels"))
    metadata = _data(url, "/api/v1/metadata")
    known = names_known(names, labels, metadata if isinstance(metadata, Mapping) else {})
    # Made here, so that no request has to wait for it.
    known.like_metrics.nearest("")
    known.like_labels.nearest("")
    return known


def names_known(
    names: Iterable[str], labels: Iterable[str], metadata: Mapping[str, object]
) -> KnownNames:
    """The catalogue's names, which go first, and those that Prometheus tells with their types."""
    catalogue = catalogue_names()
    told = {name: _type(name, metadata) for name in names}
    return KnownNames(
        {**told, **catalogue.types},
        catalogue.labels | frozenset(labels),
        asked_prometheus=True,
    )


def _type(name: str, metadata: Mapping[str, object]) -> str:
    """A series' type: its metric's, but that the parts of histograms and summaries are counters."""
    own = _told_type(metadata.get(name))
    if own is not None:
        return own
    for suffix in _SUFFIXES:
        if name.endswith(suffix):
            of_metric = _told_type(metadata.get(name.removesuffix(suffix)))
            if of_metric is not None:
                return "gauge" if suffix in _NO_COUNTERS else _of_part(of_metric)
    return "unknown"


def _of_part(of_metric: str) -> str:
    return "counter" if of_metric in ("counter", "histogram", "summary") else of_metric


def _told_type(entries: object) -> str | None:
    """The type that all targets agree on; None where they do not, or there is none."""
    if not isinstance(entries, list):
        return None
    types = {entry.get("type") for entry in entries if isinstance(entry, dict)}
    kind = types.pop() if len(types) == 1 else None
    return kind if kind in ("counter", "gauge", "histogram", "summary") else None


def _texts(data: object) -> list[str]:
    return [text for text in data if isinstance(text, str)] if isinstance(data, list) else []


def _data(url: str, path: str) -> object:
    try:
        answer = ask(f"{url}{path}", seconds=ANSWER_SECONDS)
    except NoAnswer as error:
        raise NamesUnknown(
            f"{error}; check that it runs and that PULSEGUARD_PROMETHEUS_URL names it"
        ) from error
    body = answer.fields()
    if not answer.ok or body.get("status") != "success":
        raise NamesUnknown(
            f"{path} answered {answer.status} ({answer.detail});"
            " check that PULSEGUARD_PROMETHEUS_URL names a Prometheus"
        )
    return body.get("data")
