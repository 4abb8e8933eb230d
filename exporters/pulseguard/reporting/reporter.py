"""The one thread that speaks with the registry: registration, heartbeats, snapshots, goodbye."""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from pulseguard.ending import seconds_until
from pulseguard.errors import RegistryUnreachable
from pulseguard.guard import Guard, OncePerMinute
from pulseguard.identity import Heard, name_reporter
from pulseguard.recording.recorder import Recorder
from pulseguard.recording.whole import Whole
from pulseguard.reporting.client import RegistryClient, Reply
from pulseguard.reporting.refusals import no_registry, refusal
from pulseguard.reporting.snapshots import LARGEST_BATCH, Timeline, Waiting, utc_now
from pulseguard.reporting.totals import whole_totals

_FIRST_RETRY_SECONDS: Final = 0.5
# Worth trying again later as they are; any other refusal of a snapshot is for good.
_PASSING_REFUSALS: Final = frozenset({401, 403, 404, 408, 429})
# The key was rotated, or the registry lost its state: register again, with the key of now.
_TOLD_AGAIN: Final = frozenset({401, 403, 404})


class Reporter:
    """Keeps the registry informed until `stop`; an outage is waited out, nothing is lost."""

    def __init__(
        self,
        client: RegistryClient,
        registration: Callable[[], Mapping[str, object]],
        recorder: Recorder,
        whole: Whole,
        timeline: Timeline,
        waiting: Waiting,
        guard: Guard,
        journal: OncePerMinute,
        remember: Callable[[], None],
        heard: Heard | None = None,
        *,
        heartbeat_seconds: float,
        snapshot_seconds: float,
    ) -> None:
        """`heard`: as whom the registry has heard the agent last, for who goes on in that name."""
        self.heard = heard
        self.agent_id = heard.agent_id if heard else None
        self._client = client
        self._registration = registration
        self._recorder = recorder
        self._whole = whole
        self._timeline = timeline
        self._waiting = waiting
        self._guard = guard
        self._journal = journal
        self._remember = remember
        self._heartbeat_seconds = heartbeat_seconds
        self._snapshot_seconds = snapshot_seconds
        # The kinds of lines about what is over with the first good answer.
        self._troubles = {"unreachable", "no registry", "read the key"}
        self._failures = 0
        self._batch = LARGEST_BATCH
        self._next_contact = time.monotonic()
        self._next_snapshot = self._next_contact + snapshot_seconds
        self._deadline: float | None = None
        self._farewell = True
        self._goodbye = True
        self._process = heard.process if heard else name_reporter()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulseguard-reporter", daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def stop(self, deadline: float, goodbye: bool = True) -> None:
        """Send the last snapshot and, if so, say goodbye, at most until `deadline` (monotonic)."""
        self._goodbye = goodbye
        self._deadline = deadline
        self._stopping.set()
        self._thread.join(seconds_until(deadline))

    def hand_over(self, deadline: float) -> None:
        """Stop without a word: from now on another process of the agent reports."""
        self._farewell = False
        self.stop(deadline)

    def let_go(self) -> None:
        """Close what a forked child has inherited, and must not keep."""
        self._client.let_go()

    def _run(self) -> None:
        self._guard.attempt("prepare requests", None, self._client.prepare)
        if self.heard is not None:
            self._guard.attempt("read the key", None, self._client.refresh_key)
        while not self._stopping.is_set():
            delay = self._guard.attempt("report", self._heartbeat_seconds, self._turn)
            self._stopping.wait(delay)
        # Later nobody waits for it any more; what was not told is in the first word of who goes on.
        if self._farewell and seconds_until(self._deadline or 0.0):
            self._guard.attempt("say goodbye", None, self._finish)

    def _turn(self) -> float:
        """Do what is due; the seconds until something is due again."""
        self._journal.settle()
        now = time.monotonic()
        if now >= self._next_snapshot:
            self._cut(now)
            self._next_snapshot = max(self._next_snapshot + self._snapshot_seconds, now)
            if not self._failures:
                self._next_contact = now
        if now >= self._next_contact:
            self._failures = 0 if self._contact() else self._failures + 1
            self._next_contact = time.monotonic() + pause_after(
                self._failures, self._heartbeat_seconds, random.random()
            )
        return max(min(self._next_snapshot, self._next_contact) - time.monotonic(), 0)

    def _cut(self, now: float) -> None:
        self._waiting.add(self._timeline.cut(whole_totals(self._whole), utc_now(), now))
        # Before anything is sent: whoever takes over sends the same again, and nothing else.
        self._guard.attempt("write down what is told", None, self._remember)

    def _contact(self) -> bool:
        return self._heartbeat(goodbye=False) and self._send_waiting()

    def _finish(self) -> None:
        self._cut(time.monotonic())
        if self._goodbye and self.heard is None:
            # Of a process that never beat, where another one has, a goodbye would stop nobody.
            self._heartbeat(goodbye=False)
        if self._waiting.only_fresh() is None:
            self._deliver_waiting()
        self._heartbeat(self._goodbye)

    def _deliver_waiting(self) -> None:
        # Twice, because the first may tell that key or agent are no longer known.
        for _ in range(2):
            if not self._is_registered() or self._send_waiting():
                return

    def _heartbeat(self, goodbye: bool) -> bool:
        """Whether the registry knows that this agent is there; registers it where it must."""
        for _ in range(2):
            if not self._is_registered():
                return False
            reply = self._send_heartbeat(goodbye)
            if reply is None or reply.status not in _TOLD_AGAIN:
                return reply is not None and reply.outcome == "ok"
        return False

    def _send_heartbeat(self, goodbye: bool) -> Reply | None:
        state = "draining" if goodbye else self._whole.read().state
        body: dict[str, object] = {"state": state, "goodbye": goodbye, "process": self._process}
        fresh = self._waiting.only_fresh()
        sent = [fresh] if fresh else []
        if fresh:
            body["snapshot"] = fresh.snapshot()
            self._waiting.attempt(sent)
        reply = self._post(f"/agents/{self.agent_id}/heartbeat", body)
        if reply is not None and reply.outcome == "ok":
            self._waiting.remove(sent)
            if not goodbye:
                self._note_heard()
        return reply

    def _note_heard(self) -> None:
        if self.heard is None and self.agent_id is not None:
            self.heard = Heard(self.agent_id, self._process)
            if not self._stopping.is_set():
                self._guard.attempt("write down what is told", None, self._remember)

    def _is_registered(self) -> bool:
        """Whether the agent has an id, asking for one where it has none."""
        return self.agent_id is not None or self._register()

    def _register(self) -> bool:
        self._guard.attempt("read the key", None, self._client.refresh_key)
        if not self._client.has_read_key:
            # That was told; what the registry says to no key at all would only mislead.
            return False
        reply = self._post("/agents", self._registration())
        if reply is None or reply.outcome != "ok":
            return False
        agent_id = reply.body.get("id")
        if not isinstance(agent_id, str) or not agent_id.replace("-", "").isalnum():
            self._journal.write("no registry", no_registry(self._client.url, reply))
            return False
        self.agent_id = agent_id
        if isinstance(key := reply.body.get("key"), str):
            self._guard.attempt("keep the own key", None, self._client.keep_key, key)
        self._journal.write("registered", f"registered with {self._client.url}", logging.INFO)
        return True

    def _send_waiting(self) -> bool:
        while len(self._waiting):
            batch = self._waiting.oldest(self._batch)
            self._waiting.attempt(batch)
            body = {"snapshots": [interval.snapshot() for interval in batch]}
            reply = self._post(f"/agents/{self.agent_id}/ai-metrics", body)
            if reply is None or _is_passing(reply.status):
                return False
            if reply.outcome != "ok" and len(batch) > 1:
                self._batch = 1
                continue
            if reply.outcome != "ok":
                self._recorder.exporter_failed("send a snapshot")
            self._waiting.remove(batch)
        self._batch = LARGEST_BATCH
        return True

    def _post(self, path: str, body: Mapping[str, object]) -> Reply | None:
        if self._deadline is not None and not seconds_until(self._deadline):
            return None
        try:
            reply = self._client.post(path, body, self._deadline)
        except RegistryUnreachable as error:
            self._recorder.registry_answered("unreachable")
            self._journal.write(
                "unreachable",
                f"the registry {self._client.url} gives no answer ({error}); "
                "/metrics goes on, trying again",
            )
            return None
        self._recorder.registry_answered(reply.outcome)
        if reply.status in _TOLD_AGAIN:
            self.agent_id = None
        if reply.outcome == "ok":
            self._journal.withdraw(self._troubles)
        else:
            self._tell_of_refusal(reply)
        return reply

    def _tell_of_refusal(self, reply: Reply) -> None:
        kind = "no registry" if reply.is_of_another_server else f"status {reply.status}"
        if _is_passing(reply.status):
            self._troubles.add(kind)
        self._journal.write(kind, refusal(self._client.url, reply))


def pause_after(failures: int, heartbeat_seconds: float, share: float) -> float:
    """The longer the more often it failed, up to a heartbeat; `share` (0 to 1) parts a fleet."""
    if not failures:
        return heartbeat_seconds
    longest = _FIRST_RETRY_SECONDS * 2.0 ** min(failures - 1, 10)
    return min(longest, heartbeat_seconds) * (0.5 + share / 2)


def _is_passing(status: int) -> bool:
    """Whether what is refused so may be taken later as it is."""
    return status in _PASSING_REFUSALS or status >= 500
