"""`--json`: of every verb that has it, one JSON document and nothing else."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pulseguard.command import VERBS
from tests.registry.conftest import new_database
from tests.registry.notifications import alert, notification
from tests.registry.operating.conftest import Run
from tests.registry.process import RegistryProcess
from tests.registry.running import registration

NOWHERE = "http://127.0.0.1:1"
# Of a verb, what it is asked, in an order in which each can be done.
ASKED: Mapping[str, Sequence[str]] = {
    "agents list": [],
    "agents show": ["AGENT"],
    "agents maintenance": ["AGENT", "--for", "2h"],
    "agents retire": ["AGENT"],
    "agents restore": ["AGENT"],
    "alerts list": [],
    "alerts show": ["ALERT"],
    "alerts ack": ["ALERT"],
    "rules apply": ["-f", "RULES", "--owner", "programs"],
    "rules diff": ["-f", "RULES", "--owner", "programs"],
    "rules check": ["-f", "RULES"],
    "rules list": [],
    "rules templates": [],
    "rules template": ["cost-per-hour"],
    "rules show": ["for-programs"],
    "rules history": ["for-programs"],
    "rules disable": ["for-programs"],
    "rules enable": ["for-programs"],
    "rules rollback": ["for-programs", "1"],
    "rules delete": ["for-programs"],
    "keys create": ["for programs", "--role", "viewer"],
    "keys list": [],
    "keys revoke": ["KEY"],
    "backup": ["FILE"],
    "restore": ["FILE"],
    "db current": [],
    "db upgrade": [],
    "db downgrade": ["0001", "--yes"],
    "doctor": [],
    "status": ["--prometheus-url", NOWHERE],
}


def test_with_json_each_verb_writes_one_document_and_nothing_else(
    run: Run,
    served: RegistryProcess,
    settings: Mapping[str, str],
    postgres: str,
    tmp_path: Path,
) -> None:
    admin = served.admin_key()
    agent = served.post("/api/v1/agents", registration("for-programs"), admin).body["id"]
    key = served.post("/api/v1/keys", {"name": "to end", "role": "viewer"}, admin).body["id"]
    served.post("/api/v1/alerts/webhook", notification(alert()), admin)
    rules = tmp_path / "rules.yml"
    rules.write_text("groups: [{name: for-programs, rules: [{record: a:b, expr: up}]}]")
    places = {
        "AGENT": agent,
        "ALERT": "1",
        "FILE": str(tmp_path / "registry.backup"),
        "KEY": key,
        "RULES": str(rules),
    }
    with new_database(postgres) as full, new_database(postgres, "template0") as empty:
        for verb, arguments in ASKED.items():
            asked = [*verb.split(), *(places.get(each, each) for each in arguments), "--json"]
            database = full if verb == "backup" else empty

            done = run(*asked, DATABASE_URL=database, **settings)

            assert isinstance(json.loads(done.out), dict | list), (verb, done)
            # What these two look at is not whole here.
            assert done.status == 0 or verb in ("doctor", "status"), (verb, done)


def test_there_is_no_other_verb_that_has_json(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    parsers: list[argparse.ArgumentParser] = []
    begin = argparse.ArgumentParser.__init__

    def begin_noted(self: argparse.ArgumentParser, *given: Any, **named: Any) -> None:
        begin(self, *given, **named)
        parsers.append(self)

    monkeypatch.setattr(argparse.ArgumentParser, "__init__", begin_noted)
    for verb in VERBS:
        with pytest.raises(SystemExit):
            run(verb, "--help")

    with_json = {each.prog for each in parsers if "--json" in each.format_usage()}
    # They ask Alertmanager and Prometheus as well.
    others = ("alerts test", "rules preview", "dashboards preview")
    assert with_json == {f"pulseguard {verb}" for verb in (*ASKED, *others)}
