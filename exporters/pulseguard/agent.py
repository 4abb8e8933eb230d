"""The agent as its author sees it: what it is, what it does, and when it starts and stops."""

import os
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from pulseguard import early_signals, process_end
from pulseguard.by_hand.blocks import Blocks
from pulseguard.by_hand.events import Events
from pulseguard.by_hand.own_metrics import Metrics
from pulseguard.catalog import AGENT_METRICS, Detail
from pulseguard.current import note_start, note_stop
from pulseguard.description import AgentType, DeploymentType, describe
from pulseguard.errors import ConfigurationError
from pulseguard.exporter import Exporter
from pulseguard.guard import Guard, OncePerMinute, checked_strict, guarded
from pulseguard.recording.recorder import Recorder
from pulseguard.recording.series import Series
from pulseguard.recording.values import amount
from pulseguard.settings import environment_source, read_settings, stand_in
from pulseguard.settings_file import settings_file, with_file
from pulseguard.unseen import expect_start

if TYPE_CHECKING:
    from pathlib import Path

# Beyond a day nobody waits for an end, and some clocks cannot count.
_LONGEST_END_SECONDS: Final = 86_400.0


class Agent(Blocks, Events, Metrics):
    """One agent, observed.

        agent = Agent("invoice-bot", version="2.1.0", team="finance")
        agent.start()
        with agent.task():
            with agent.llm_call(provider="openai", model="gpt-4o") as call:
                ...
                call.usage(input_tokens=812, output_tokens=164)

    It is a guest: nothing here raises into the agent, blocks it or keeps it from exiting; a
    failure inside is a metric and one log line (logger `pulseguard`). An argument that cannot be
    used is logged and replaced by its default. `strict=True` raises instead, for tests.

    Arguments left out come from `PULSEGUARD_<NAME>` (registry_url, key, key_file, key_folder,
    environment, instance, team, metrics_host, metrics_port, metrics_advertise, metrics_token,
    metrics_token_file, detail, series_limit, heartbeat_seconds, snapshot_seconds,
    stuck_after_seconds, prices_file), else from the defaults of `pulseguard.settings.Settings`.
    Where nothing names a registry, the one of a running `make up` is found through the file that
    it leaves (`pulseguard.settings_file`).
    Recording works before `start` and after `stop`.
    """

    _exporter_type: type[Exporter] = Exporter

    def __init__(
        self,
        name: str,
        *,
        version: str = "",
        type: AgentType = "LLM_AGENT",
        team: str | None = None,
        environment: str | None = None,
        instance: str | None = None,
        description: str = "",
        deployment_type: DeploymentType = "LOCAL",
        framework: str = "",
        tags: Iterable[str] = (),
        labels: Mapping[str, str] | None = None,
        config: Mapping[str, object] | None = None,
        registry_url: str | None = None,
        key: str | None = None,
        key_file: "str | Path | None" = None,
        key_folder: "str | Path | None" = None,
        metrics_host: str | None = None,
        metrics_port: int | None = None,
        metrics_advertise: str | None = None,
        metrics_token: str | None = None,
        metrics_token_file: "str | Path | None" = None,
        detail: Detail | None = None,
        series_limit: int | None = None,
        heartbeat_seconds: float | None = None,
        snapshot_seconds: float | None = None,
        stuck_after_seconds: float | None = None,
        prices_file: "str | Path | None" = None,
        strict: bool = False,
    ) -> None:
        journal = OncePerMinute()
        strict = checked_strict(strict, journal)
        refuse = _Refusal(journal, strict)
        arguments: dict[str, object] = {
            "registry_url": registry_url,
            "key": key,
            "key_file": key_file,
            "key_folder": key_folder,
            "environment": environment,
            "instance": instance,
            "team": team,
            "metrics_host": metrics_host,
            "metrics_port": metrics_port,
            "metrics_advertise": metrics_advertise,
            "metrics_token": metrics_token,
            "metrics_token_file": metrics_token_file,
            "detail": detail,
            "series_limit": series_limit,
            "heartbeat_seconds": heartbeat_seconds,
            "snapshot_seconds": snapshot_seconds,
            "stuck_after_seconds": stuck_after_seconds,
            "prices_file": prices_file,
        }
        nearer = [arguments, environment_source(os.environ)]
        sources = with_file(nearer, settings_file(os.environ), refuse)
        settings = read_settings(sources, refuse)
        series = Series(AGENT_METRICS, settings.detail, settings.series_limit)
        patience = settings.stuck_after_seconds
        self._recorder = Recorder(series, patience_seconds=patience)
        self._guard = Guard(self._recorder.exporter_failed, journal, strict)
        described = describe(
            name=name,
            type=type,
            version=version,
            description=description,
            deployment_type=deployment_type,
            framework=framework,
            tags=tags,
            labels={} if labels is None else labels,
            config={} if config is None else config,
            refuse=refuse,
            guard=self._guard,
        )
        exporter = self._exporter_type
        self._exporter = exporter(described, settings, self._recorder, self._guard, journal)
        self._journal = journal
        if not strict:
            expect_start(self._exporter, described.name, self._recorder)
        self.name = described.name
        self.environment = settings.environment
        self._guard.attempt("take SIGTERM", None, self._take_sigterm)

    @property
    def instance(self) -> str:
        """Which of several equal agents this is; empty until `start` where a slot decides."""
        return self._exporter.instance

    @property
    def agent_id(self) -> str | None:
        """The registry's id of this agent; None until it is registered."""
        return self._exporter.agent_id

    @property
    def metrics_address(self) -> str | None:
        """host:port of /metrics; None while nothing listens."""
        return self._exporter.metrics_address

    @guarded("start")
    def start(self) -> None:
        """Open /metrics and begin to report; returns at once, whatever the registry does.

        There is a goodbye on SIGTERM too where this or the constructor is called in the main
        thread, unless somebody else handles that signal.
        """
        with early_signals.transition():
            # Before: what serves /metrics hears of signals as well.
            self._guard.attempt("take SIGTERM", None, self._take_sigterm)
            is_new = self._exporter.start()
        if is_new:
            note_start(self)
            process_end.stop_at_end(self)
            if not process_end.is_sigterm_taken():
                self._tell_of_sigterm()
            self._make_way()

    def stop(self, timeout_seconds: float = process_end.SECONDS_TO_END) -> None:
        """Send the last snapshot, say goodbye and close /metrics, in at most this time.

        Where somebody has been scraping, /metrics stays up for what remains of the time until the
        last values were fetched. Called by itself when the process ends; where that is by an
        exception that nobody caught, the agent is told as failed instead, without a goodbye.
        """
        usual = process_end.SECONDS_TO_END
        seconds = self._guard.attempt("stop", usual, amount, "timeout_seconds", timeout_seconds)
        self._guard.attempt("stop", None, self._stop, min(seconds, _LONGEST_END_SECONDS))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _take_sigterm(self) -> None:
        # Here already: only the main thread can, and it may not be the one that starts it.
        process_end.take_sigterm(self)

    def _tell_of_sigterm(self) -> None:
        self._journal.write(
            "sigterm",
            f"a SIGTERM will end {self.name} without a goodbye: it was started outside the main "
            "thread; call start() there, or handle SIGTERM",
        )

    def _make_way(self) -> None:
        # Spelled out: who is not run by `pulseguard run` imports nothing of it.
        if "PULSEGUARD_RUN" in os.environ:
            from pulseguard.running.own_agent import make_way

            make_way(self, self._exporter.show_tree)

    def _fail(self, timeout_seconds: float) -> None:
        """End as `stop` does, but as one that has failed, and will be missed."""
        self._recorder.activity.failed(True)
        self._guard.attempt("stop", None, self._stop, timeout_seconds, True)

    def _stop(self, timeout_seconds: float, failed: bool = False) -> None:
        with early_signals.transition():
            if self._exporter.stop(timeout_seconds, failed):
                note_stop(self)
                process_end.stopped(self)


class _Refusal:
    """What becomes of an argument or setting that cannot be used."""

    def __init__(self, journal: OncePerMinute, strict: bool) -> None:
        self._journal = journal
        self._strict = strict

    def __call__(self, error: ConfigurationError) -> None:
        if self._strict:
            raise error
        self._journal.write(f"setting {error.field}", f"{error}; {stand_in(error.field)}")
