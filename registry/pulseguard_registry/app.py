"""The application: its parts made, wired to one another, and started."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from pulseguard_registry import (
    exposition,
    front_page,
    health,
    maintenance,
    runbooks,
    upkeep,
)
from pulseguard_registry.access import routes as access_routes
from pulseguard_registry.access.given_files import GivenFiles
from pulseguard_registry.access.given_keys import GivenKeys
from pulseguard_registry.access.keyring import Keyring
from pulseguard_registry.access.last_use import LastUse
from pulseguard_registry.access.rates import Limits
from pulseguard_registry.access.service import ensure_admin_key
from pulseguard_registry.agents import routes as agent_routes
from pulseguard_registry.agents.retired_keys import RetiredKeys
from pulseguard_registry.agents.silence import SilenceWatch
from pulseguard_registry.agents.still_running import StillRunning
from pulseguard_registry.alertmanager.client import Alertmanager
from pulseguard_registry.alertmanager.room import Room
from pulseguard_registry.alertmanager.silences import Silencing
from pulseguard_registry.alerts import routes as alert_routes
from pulseguard_registry.alerts import timeline_routes, way_routes
from pulseguard_registry.audit import recording
from pulseguard_registry.audit import routes as audit_routes
from pulseguard_registry.database.clock import DatabaseClock
from pulseguard_registry.database.connecting import connect
from pulseguard_registry.database.diagnosis import place_of
from pulseguard_registry.database.engine import Database
from pulseguard_registry.database.migrate import head_revision, take_lock, upgrade
from pulseguard_registry.database.supervisor import Supervisor
from pulseguard_registry.discovery import routes as discovery_routes
from pulseguard_registry.discovery.addresses import AddressPolicy
from pulseguard_registry.discovery.follower import TargetFollower
from pulseguard_registry.embedded import EmbeddedPostgres
from pulseguard_registry.events import routes as event_routes
from pulseguard_registry.gate import Gate
from pulseguard_registry.heartbeats import bulk
from pulseguard_registry.heartbeats import routes as heartbeat_routes
from pulseguard_registry.heartbeats.group_commit import GroupCommit
from pulseguard_registry.methods import HeadAsGet
from pulseguard_registry.openapi import describe_bodies
from pulseguard_registry.problem_handlers import install_problem_handlers
from pulseguard_registry.problems import documented
from pulseguard_registry.refusals import RefusalLog
from pulseguard_registry.rules import (
    apply_routes,
    group_routes,
    revision_routes,
    rule_routes,
    sync_routes,
)
from pulseguard_registry.rules.bundle import BundleFollower
from pulseguard_registry.rules.check_room import CheckRoom
from pulseguard_registry.rules.checking.prometheus_names import PrometheusNames
from pulseguard_registry.rules.preview import routes as preview_routes
from pulseguard_registry.rules.templates import routes as template_routes
from pulseguard_registry.scrapes import routes as scrape_routes
from pulseguard_registry.settings import Settings
from pulseguard_registry.short_cut import ShortCut
from pulseguard_registry.snapshots import routes as snapshot_routes
from pulseguard_registry.system import routes as system_routes
from pulseguard_registry.telemetry import Telemetry

# In the order of the document.
API = (
    health,
    agent_routes,
    maintenance,
    event_routes,
    heartbeat_routes,
    bulk,
    snapshot_routes,
    discovery_routes,
    way_routes,
    alert_routes,
    timeline_routes,
    template_routes,
    apply_routes,
    group_routes,
    preview_routes,
    rule_routes,
    revision_routes,
    sync_routes,
    system_routes,
    scrape_routes,
    access_routes,
    audit_routes,
)
PROBLEMS = documented(401, 403, 404, 413, 415, 422, 429, 503)

log = logging.getLogger("pulseguard.registry")


def create_app(
    settings: Settings,
    database_url: str,
    pepper: str,
    secrets_dir: Path,
    embedded: EmbeddedPostgres | None = None,
    *,
    given_files: GivenFiles | None = None,
    new_admin_key: bool = False,
) -> FastAPI:
    """The registry as an ASGI application; it connects to the database when it is started.

    An embedded PostgreSQL is started again by the supervisor where it has died. `app.state.failure`
    is the defect that ended background work, if any did: then the process is asked to end.
    """
    if settings.access_control == "off":
        log.warning("access control is off: everybody on this machine is an admin, without a key")
    place = place_of(database_url)
    database = Database(database_url)
    recording.watch(database.sessions)
    clock = DatabaseClock()
    keyring = Keyring(pepper, clock)
    last_use = LastUse(database, clock)
    telemetry = Telemetry()
    refusals = RefusalLog()
    targets = TargetFollower(
        settings.target_labels, settings.discovery_grace_seconds, telemetry.count_hold
    )
    alertmanager = Alertmanager(settings.alertmanager_url) if settings.alertmanager_url else None
    silencing = Silencing(database, alertmanager, telemetry)
    bundle = BundleFollower()
    silence = SilenceWatch(settings.offline_after_seconds)
    still_running = StillRunning()
    known_names = PrometheusNames(settings.prometheus_url)
    given_keys = GivenKeys(given_files or GivenFiles(settings.given_keys), database, pepper)

    def prepare() -> None:
        nonlocal new_admin_key
        upgrade(database.engine, place)
        upkeep.keep_house(database, settings)
        given_keys.take_over_all()
        if settings.gives_admin_key:
            return
        with database.sessions.begin() as session:
            take_lock(session)
            said = ensure_admin_key(session, pepper, secrets_dir, new_admin_key)
        new_admin_key = False
        if said is not None:
            log.info("%s", said)

    supervisor = Supervisor(
        database,
        place,
        revive=embedded.ensure_running if embedded is not None else None,
        prepare=prepare,
        followers=(keyring, targets, bundle, silencing),
        watchers=(clock, silence, targets),
    )
    group_commit = GroupCommit(partial(connect, database_url), telemetry.observe_batch)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            # Whatever thread still waits for the database must not hold up the end.
            stack.callback(database.close)
            stack.callback(refusals.tell_left_out)
            for work in (
                supervisor.run(),
                group_commit.run(),
                group_commit.answer_overdue(),
                database.overdue.run(),
                upkeep.go_on(database, settings, supervisor),
                upkeep.go_on_dropping(database, settings, supervisor),
                last_use.run(lambda: supervisor.trouble is None),
                upkeep.watch_statuses(database, settings, supervisor),
                silencing.run(supervisor),
                known_names.run(),
                given_keys.run(supervisor),
            ):
                await stack.enter_async_context(_running(work, app))
            yield

    # FastAPI's own page loads its scripts from the internet, where many fleets have none.
    app = FastAPIOffline(
        title="PulseGuard registry",
        version=version("pulseguard-monitor"),
        summary="Knows the fleet: agents, their heartbeats and AI metrics, targets for Prometheus.",
        lifespan=lifespan,
        docs_url="/docs",
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.failure = None
    app.state.settings = settings
    app.state.pepper = pepper
    app.state.database = database
    app.state.clock = clock
    app.state.record_change = recording.record_change
    app.state.keyring = keyring
    app.state.last_use = last_use
    app.state.limits = Limits(settings, telemetry.count_rate_limited)
    app.state.targets = targets
    app.state.bundle = bundle
    app.state.silence = silence
    app.state.still_running = still_running
    app.state.retired_keys = RetiredKeys(database, pepper, still_running)
    app.state.known_names = known_names
    app.state.check_room = CheckRoom()
    app.state.telemetry = telemetry
    app.state.alertmanager = alertmanager
    app.state.alertmanager_room = Room(alertmanager)
    app.state.supervisor = supervisor
    app.state.group_commit = group_commit
    app.state.address_policy = AddressPolicy.from_settings(settings)
    app.state.schema_revision = head_revision()
    for part in API:
        app.include_router(part.router, responses=PROBLEMS)
    app.include_router(exposition.router, responses=PROBLEMS)
    app.include_router(front_page.router)
    app.include_router(runbooks.router)
    install_problem_handlers(app, place)
    describe_bodies(app, heartbeat_routes.BODIES)
    app.router.middleware_stack = ShortCut(
        app.router.middleware_stack, [*heartbeat_routes.router.routes, *bulk.router.routes]
    )
    app.add_middleware(
        Gate,
        trouble=lambda: supervisor.trouble,
        observe=telemetry.observe_request,
        refusals=refusals,
    )
    app.add_middleware(HeadAsGet)
    return app


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, None], app: FastAPI) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    task.add_done_callback(partial(_end_if_failed, app))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


def _end_if_failed(app: FastAPI, task: asyncio.Task[None]) -> None:
    """A defect in background work ends the process, so that whoever runs it starts it afresh."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("background work failed; ending", exc_info=error)
        app.state.failure = error
        os.kill(os.getpid(), signal.SIGTERM)
