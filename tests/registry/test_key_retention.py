"""Own keys that nobody uses end, and keys that have ended are let go."""

from __future__ import annotations

from pulseguard_registry.settings import Settings
from pulseguard_registry.upkeep import keep_house, retire_agents
from tests.registry.running import RunningRegistry, holds_after_a_second
from tests.registry.test_audit import records
from tests.registry.test_enrolment import AGENTS, KEYS, beat, enrolment


def test_own_keys_that_nobody_uses_end_and_ended_keys_go_but_for_what_still_ends_others(
    registry: RunningRegistry,
) -> None:
    keys = {name: enrolment(registry, name=name) for name in ("maker", "spent", "over lately")}
    agents = {name: registry.register(name, keys["maker"]) for name in ("used", "idle", "never")}
    plain = registry.key("agent", name="plain", environment="production")
    gone = ("revoked", "revoked lately", "expired")
    for name in gone:
        registry.key("viewer", name=name)

    def days_ago(column: str, days: float, names: str) -> None:
        moment = f"now() - interval '{days} d'"
        registry.execute(f"UPDATE api_keys SET {column} = {moment} WHERE name IN ({names})")

    own = "'used (web-1-0)', 'idle (web-1-0)', 'never (web-1-0)'"
    days_ago("last_used_at", 29.9, "'used (web-1-0)'")
    days_ago("last_used_at", 30.1, "'idle (web-1-0)', 'plain'")
    days_ago("expires_at", 30.1, "'maker', 'spent', 'expired'")
    days_ago("expires_at", 29.9, "'over lately'")
    days_ago("created_at", 90, f"{own}, 'plain', 'expired'")
    days_ago("revoked_at", 30.1, "'revoked'")
    days_ago("revoked_at", 29.9, "'revoked lately'")
    database = registry.app.state.database
    keep_house(database, Settings())
    retire_agents(database, Settings(own_key_unused_days=0))
    retire_agents(database, Settings(access_control="off"))
    assert (
        registry.rows("SELECT name FROM api_keys WHERE revoked_at > now() - interval '1 h'") == []
    )
    beat(registry, agents["idle"])
    retire_agents(database, Settings())

    ended = [agents[name]["key"] for name in ("idle", "never")]
    holds_after_a_second(lambda: {registry.get(AGENTS, key).status_code for key in ended} == {401})
    recorded = records(registry, object_type="keys")[:2]
    told = {(record["method"], record["key_name"], record["object_id"]) for record in recorded}
    ids = registry.rows(
        "SELECT id FROM api_keys WHERE name IN ('idle (web-1-0)', 'never (web-1-0)')"
    )
    assert told == {("DELETE", "upkeep of the registry", str(key_id)) for (key_id,) in ids}
    beat(registry, agents["used"])
    assert registry.get(AGENTS, plain).status_code == 200
    listed = {key["name"] for key in registry.get(KEYS, params={"limit": 500}).json()["items"]}
    assert listed >= {"maker", "over lately", "revoked lately", "idle (web-1-0)", "plain"}
    assert listed.isdisjoint({"spent", "revoked", "expired"})

    days_ago("revoked_at", 31, own)
    for _ in range(2):
        keep_house(database, Settings())
    assert registry.rows("SELECT 1 FROM api_keys WHERE name = 'maker'") == []
