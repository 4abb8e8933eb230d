"""Metrics that the agent's author defines himself."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pulseguard.guard import Guard, made
from pulseguard.recording.recorder import Recorder

if TYPE_CHECKING:
    from pulseguard.catalog import Metric
    from pulseguard.recording.instruments import OwnCounter, OwnGauge, OwnHistogram
    from pulseguard.recording.own_metrics import Wish


class Metrics:
    """At most 50, within the series of the agent; what has no room goes to `_OTHER`.

    A name is in lower case with its unit (`_seconds`, `_bytes`) and gets the prefix `agent_`; at
    most five labels, of which `max_label_sets` sets (20; at most 200) are kept apart. Never a
    prompt, a user or a request id in a label. Defined twice alike, it is the same metric; one that
    cannot be defined is told in the log and records nothing. What several processes of one agent
    record is added up, gauges too.
    """

    _recorder: Recorder
    _guard: Guard

    @made("define a counter", "")
    def counter(
        self, name: str, help: str = "", labels: Iterable[str] = (), max_label_sets: int = 20
    ) -> "OwnCounter":
        """A number that only grows; its name ends in `_total`.

        documents = agent.counter("documents_total", "Documents read.", labels=("kind",))
        documents.labels(kind="pdf").inc()
        """
        # Here, as below: few agents have metrics of their own, and all pay for an import.
        from pulseguard.recording.instruments import OwnCounter
        from pulseguard.recording.own_metrics import Wish

        wish = Wish("counter", name, help, labels, max_label_sets=max_label_sets)
        return OwnCounter(self._recorder.series, self._guard, self._defined(wish))

    @made("define a gauge", "")
    def gauge(
        self, name: str, help: str = "", labels: Iterable[str] = (), max_label_sets: int = 20
    ) -> "OwnGauge":
        """A number that goes up and down: `agent.gauge("cache_bytes", "...").set(4096)`."""
        from pulseguard.recording.instruments import OwnGauge
        from pulseguard.recording.own_metrics import Wish

        wish = Wish("gauge", name, help, labels, max_label_sets=max_label_sets)
        return OwnGauge(self._recorder.series, self._guard, self._defined(wish))

    @made("define a histogram", "")
    def histogram(
        self,
        name: str,
        help: str = "",
        labels: Iterable[str] = (),
        buckets: Iterable[float] | None = None,
        max_label_sets: int = 20,
    ) -> "OwnHistogram":
        """How often values of which size occur: `agent.histogram("page_bytes", "...").observe(7)`.

        `buckets` are at most 20 upper bounds, growing; without any, those of durations from 5 ms
        to 10 s. Each label set costs as many series, and three.
        """
        from pulseguard.recording.instruments import OwnHistogram
        from pulseguard.recording.own_metrics import DEFAULT_BUCKETS, Wish

        chosen = DEFAULT_BUCKETS if buckets is None else buckets
        wish = Wish("histogram", name, help, labels, chosen, max_label_sets)
        return OwnHistogram(self._recorder.series, self._guard, self._defined(wish))

    def _defined(self, wish: "Wish") -> "Metric | None":
        from pulseguard.recording.own_metrics import define

        return self._guard.attempt("define a metric", None, define, self._recorder.series, wish)
