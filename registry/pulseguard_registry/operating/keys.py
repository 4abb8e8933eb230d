"""`pulseguard keys`: create, list, revoke."""

from __future__ import annotations

import argparse
import os
import sys
import uuid
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Final, get_args

from pulseguard_registry.access.schemas import Role
from pulseguard_registry.operating.reach import (
    CommandRefused,
    Document,
    Registry,
    add_flags,
    find_registry,
)
from pulseguard_registry.operating.terminal import (
    add_width,
    ago,
    run_verb,
    say,
    write_json,
    write_table,
)
from pulseguard_registry.secrets_folder import write_new_secret

_COLUMNS: Final = ("name", "role", "bound to", "made", "state", "given as", "id")
_TELLING: Final = ("id", "name", "role", "state", "bound to", "made", "given as")
_OWN_COLUMNS: Final = ("name", "agent", "bound to", "made", "state", "enrolled by", "id")
_OWN_TELLING: Final = ("id", "name", "enrolled by", "state", "agent", "bound to", "made")


def main(argv: Sequence[str]) -> int:
    """Run a verb; 0: done, 1: refused, 2: a bad argument."""
    return run_verb("pulseguard keys", _parser(), argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pulseguard keys", description="API keys; needs an admin's."
    )
    verbs = parser.add_subparsers(required=True, metavar="verb")
    making = verbs.add_parser("create", help="a new key, shown once")
    making.add_argument("name", help="what it is for, for people")
    making.add_argument("--role", required=True, choices=get_args(Role))
    making.add_argument("--environment", help="the only one to speak for (agent, enrolment)")
    making.add_argument("--team", help="the only one to speak for (agent, enrolment)")
    making.add_argument(
        "--expires-at",
        help="2027-01-01T00:00:00+00:00; never if left out; for role enrolment 24 h ahead at most",
    )
    making.add_argument("--out", type=Path, help="write it to this new file, readable by you only")
    making.set_defaults(run=_create)
    listing = verbs.add_parser("list", help="the keys, without their text")
    listing.add_argument(
        "--own", action="store_true", help="those of enrolled agents, and which key enrolled each"
    )
    add_width(listing)
    listing.set_defaults(run=_list)
    revoking = verbs.add_parser("revoke", help="end a key, everywhere within a second")
    revoking.add_argument("key_id", metavar="id")
    revoking.set_defaults(run=_revoke)
    for verb in (making, listing, revoking):
        add_flags(verb)
        verb.add_argument("--json", action="store_true", help="JSON, for programs")
    return parser


def _create(given: Namespace) -> None:
    asked = {
        name: getattr(given, name)
        for name in ("name", "role", "environment", "team", "expires_at")
        if getattr(given, name) is not None
    }
    # Before the key is made: nobody sees it a second time.
    if given.out is not None:
        _check_out(given.out)
    registry = _registry(given)
    key = registry.send("POST", "/keys", asked)
    if given.out is not None:
        _write_out(given.out, key, registry)
    if given.json:
        write_json(key)
    elif given.out is not None:
        say(f"the key {key['id']} is in {given.out}")
    else:
        say(str(key["key"]))


def _check_out(path: Path) -> None:
    # A link that leads nowhere is there as well.
    if os.path.lexists(path):
        what = "is a folder" if path.is_dir() else "exists already, and is not replaced"
        raise CommandRefused(f"{path} {what}; name another file with --out, or remove it")
    if not path.parent.is_dir():
        raise CommandRefused(
            f"{path} cannot be written, for there is no folder {path.parent}; make it, or name"
            " another file with --out"
        )
    if not os.access(path.parent, os.W_OK):
        raise CommandRefused(f"{path} cannot be written; name another file with --out")


def _write_out(path: Path, key: Document, registry: Registry) -> None:
    """Where it cannot be written, nobody has the key: it is ended again."""
    try:
        write_new_secret(path, key.pop("key"))
    except OSError as error:
        trouble = f"{path} cannot be written ({error.strerror})"
    else:
        return
    try:
        registry.send("DELETE", f"/keys/{key['id']}")
    except CommandRefused as error:
        raise CommandRefused(
            f"{trouble}, and the key for it, which nobody has, could not be ended again ({error});"
            f" end it with pulseguard keys revoke {key['id']}"
        ) from None
    raise CommandRefused(
        f"{trouble}, and the key for it is ended again; name another file with --out"
    )


def _list(given: Namespace) -> None:
    keys = list(_registry(given).pages("/keys", own="true" if given.own else "false"))
    if given.json:
        write_json(keys)
    elif given.own:
        nothing = "no agent has a key of its own"
        rows = map(_own_row, keys)
        write_table(_OWN_COLUMNS, rows, nothing, telling=_OWN_TELLING, wide=given.wide)
    else:
        rows = map(_row, keys)
        write_table(_COLUMNS, rows, "there is no key", telling=_TELLING, wide=given.wide)


def _row(key: Document) -> Sequence[object]:
    made = ago(key["created_at"])
    # A registry of an earlier version tells of none.
    given_as = key.get("given_as")
    return (key["name"], key["role"], _bound(key), made, _state(key), given_as, key["id"])


def _own_row(key: Document) -> Sequence[object]:
    made, by = ago(key["created_at"]), key["enrolled_by"]
    return (key["name"], key["agent_id"], _bound(key), made, _state(key), by, key["id"])


def _bound(key: Document) -> str:
    return " / ".join(filter(None, (key["environment"], key["team"])))


def _state(key: Document) -> str:
    if key["revoked_at"] is not None:
        return f"revoked {ago(key['revoked_at'])}"
    if key["expires_at"] is None:
        return "valid"
    end = ago(key["expires_at"])
    return f"ends {end}" if end.startswith("in ") else f"ended {end}"


def _revoke(given: Namespace) -> None:
    try:
        key_id = uuid.UUID(given.key_id)
    except ValueError:
        raise CommandRefused(
            f"{given.key_id!r} is no id of a key; pulseguard keys list shows them"
        ) from None
    answer = _registry(given).send("DELETE", f"/keys/{key_id}")
    # A registry of an earlier version answers nothing.
    ended = answer.get("own_keys_ended", 0)
    if given.json:
        write_json({"id": given.key_id, "revoked": True, "own_keys_ended": ended})
    elif ended:
        keys = "the own key of 1 agent" if ended == 1 else f"{ended} own keys of agents"
        say(f"the key {given.key_id} is revoked, and with it {keys} that it enrolled")
    else:
        say(f"the key {given.key_id} is revoked")


def _registry(given: Namespace) -> Registry:
    return find_registry(given.registry_url, given.key_file, os.environ)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
