"""Two who change the same at once: both are served, or told what stood in the way."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from pulseguard_registry.database.conflicts import conflict_of
from tests.registry.problems import assert_problem, everything
from tests.registry.running import RunningRegistry, registration

# A key of one of these names cannot be kept.
MEET = """
CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    CASE NEW.name
        WHEN 'taken' THEN NEW.id := (SELECT id FROM api_keys LIMIT 1);
        WHEN 'known' THEN NEW.digest := (SELECT digest FROM api_keys LIMIT 1);
        WHEN 'gone' THEN NEW.role := 'agent'; NEW.environment := 'any'; NEW.agent_id := NEW.id;
        WHEN 'king' THEN NEW.role := 'king';
        WHEN 'empty' THEN NEW.pepper_id := NULL;
    END CASE;
    RETURN NEW;
END $$;
CREATE TRIGGER meet BEFORE INSERT ON api_keys FOR EACH ROW EXECUTE FUNCTION meet()
"""
# Fails as a statement does that meets this constraint.
FAIL = """
CREATE FUNCTION pg_temp.fail(met pg_constraint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    columns text;
BEGIN
    SELECT string_agg(attname, ', ' ORDER BY place) INTO STRICT columns
      FROM unnest(met.conkey) WITH ORDINALITY AS key(number, place)
      JOIN pg_attribute ON attrelid = met.conrelid AND attnum = number;
    IF met.contype IN ('p', 'u', 'f') THEN
        RAISE EXCEPTION 'met' USING TABLE = met.conrelid::regclass, CONSTRAINT = met.conname,
            ERRCODE = CASE met.contype WHEN 'f' THEN '23503' ELSE '23505' END,
            DETAIL = format('Key (%s)=(of somebody) already exists.', columns);
    ELSIF met.contype = 'n' THEN
        RAISE EXCEPTION 'met' USING TABLE = met.conrelid::regclass, COLUMN = columns,
            ERRCODE = '23502', DETAIL = 'Failing row contains (a secret).';
    END IF;
    RAISE EXCEPTION 'met' USING TABLE = met.conrelid::regclass, CONSTRAINT = met.conname,
        ERRCODE = '23514', DETAIL = 'Failing row contains (a secret).';
END $$
"""
CONSTRAINTS = """
SELECT oid, conname, contype::text,
       ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS key(number, place)
               JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY place)
  FROM pg_constraint
 WHERE connamespace = 'public'::regnamespace AND conislocal AND contype <> 't'
"""
# Where a row is on its way into the index of the ids but not yet into that of the names, another
# has the time to come.
SLOW_INDEX = """
CREATE FUNCTION slow(id uuid) RETURNS uuid LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN PERFORM pg_sleep(0.2); RETURN id; END $$;
ALTER TABLE agents DROP CONSTRAINT agents_environment_name_instance_key;
CREATE INDEX between_the_two ON agents (slow(id));
ALTER TABLE agents ADD UNIQUE (environment, name, instance)
"""


def test_a_new_agent_that_is_registered_twice_at_once_is_one_agent_and_both_are_served(
    registry: RunningRegistry,
) -> None:
    registry.execute(SLOW_INDEX)
    both = threading.Barrier(2)

    def register(_: int) -> Any:
        both.wait()
        return registry.post("/api/v1/agents", registration("twins"))

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(register, range(2)))

    assert sorted(answer.status_code for answer in answers) == [200, 201], answers[0].text
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_a_change_that_meets_a_constraint_is_told_field_value_and_mend(
    registry: RunningRegistry,
) -> None:
    registry.execute(MEET)
    before = everything(registry)

    for name, field, tells_value, mend in (
        ("taken", "id", True, "send the request again"),
        ("known", "digest", False, "send the request again"),
        ("gone", "agent_id", True, "name something else"),
    ):
        answer = registry.post("/api/v1/keys", {"name": name, "role": "viewer"})

        assert_problem(answer, 409, mend)
        (fault,) = answer.json()["errors"]
        assert (fault["field"], fault["value"] is not None) == (field, tells_value)
    assert everything(registry) == before


def test_a_row_that_no_change_of_others_can_make_wrong_is_a_defect_and_not_in_the_log(
    registry: RunningRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    registry.execute(MEET)
    before = everything(registry)

    for name, constraint in (("king", "api_keys_role_check"), ("empty", "pepper_id")):
        answer = registry.post("/api/v1/keys", {"name": name, "role": "viewer"})

        assert_problem(answer, 500, "an error of ours")
        assert f"a row of ours does not hold: api_keys.{constraint}" in caplog.text
    assert "Traceback" in caplog.text
    assert "Failing row" not in caplog.text
    assert everything(registry) == before


def test_every_constraint_of_the_schema_that_others_can_make_be_met_has_a_field_and_a_value(
    database_url: str,
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(FAIL)
        constraints = connection.execute(CONSTRAINTS).fetchall()
        assert {kind for _, _, kind, _ in constraints} >= set("pufc")

        for oid, name, kind, columns in constraints:
            with pytest.raises(psycopg.IntegrityError) as met:
                connection.execute(
                    "SELECT pg_temp.fail(met) FROM pg_constraint AS met WHERE oid = %s", [oid]
                )
            told = conflict_of(met.value)

            if kind not in "puf":
                assert told is None, name
                continue
            assert told is not None, name
            assert told.field == ", ".join(columns), name
            is_told = columns != ["digest"]
            assert told.value == ("of somebody" if is_told else None), name
