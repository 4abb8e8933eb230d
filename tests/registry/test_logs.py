"""The log as JSON: whole lines, the request's id, and nothing that must stay secret."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg

from tests.registry.process import registry_process
from tests.registry.running import eventually


def test_every_line_is_json_and_names_its_request_but_no_secret(
    database_url: str, tmp_path: Path
) -> None:
    with registry_process(tmp_path, database_url, log_format="json", log_level="debug") as one:
        eventually(one.is_ready)
        key = one.admin_key()
        found = one.get(f"/api/v1/agents?name={key}", key)
        refused = one.get(f"/api/v1/agents/{key}%0Aand%20more", key)
        with psycopg.connect(database_url) as connection:
            connection.execute("ALTER TABLE agents RENAME TO lost")
        failed = one.get("/api/v1/agents", key)
        one.stop()
        records = [json.loads(line) for line in one.log().splitlines()]

    assert (found.status, refused.status, failed.status) == (200, 422, 500)
    assert key not in one.log()
    for record in records:
        assert record.keys() >= {"time", "level", "logger", "message"}
        assert ("request_id" in record) == ("status" in record or "exception" in record)

    def of(request_id: str) -> list[tuple[str, int | None]]:
        mine = [record for record in records if record.get("request_id") == request_id]
        return [(record["level"], record.get("status")) for record in mine]

    assert of(refused.body["request_id"]) == [("INFO", 422)]
    assert of(failed.body["request_id"]) == [("ERROR", None), ("WARNING", 500)]
    (access,) = [record for record in records if record.get("status") == 422]
    assert (access["method"], access["route"]) == ("GET", "/api/v1/agents/{agent_id}")
    (defect,) = [record for record in records if "exception" in record]
    assert "Traceback" in defect["exception"]
