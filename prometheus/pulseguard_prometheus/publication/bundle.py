"""Decides whether a registry's answer is a bundle of rule files, whole."""

import json
import uuid
from dataclasses import dataclass

from pulseguard_prometheus.errors import RegistryTrouble
from pulseguard_prometheus.targets import CONTENT_TYPE

_FIELDS = {"id", "name", "file", "revision", "content"}
_MEND = "check that PULSEGUARD_REGISTRY_URL names a PulseGuard registry of this version"


@dataclass(frozen=True)
class BundledGroup:
    """One group of rules as the text of its rule file; the file's name is for ever its own."""

    id: str
    name: str
    revision: int
    content: str

    @property
    def file(self) -> str:
        return f"{self.id}.yml"


@dataclass(frozen=True)
class Bundle:
    """All groups that a Prometheus is to have, in the registry's order."""

    version: int
    groups: tuple[BundledGroup, ...]


def parse_bundle(content_type: str, body: bytes) -> Bundle:
    """Answers the bundle that a 200 brought; raises RegistryTrouble where a part of it is wrong.

    All or nothing: half a bundle would take the rules of the other half away.
    """
    if not CONTENT_TYPE.fullmatch(content_type):
        raise RegistryTrouble(
            f"the registry sent {content_type[:80] or 'no type'!r}, not JSON", _MEND
        )
    try:
        document = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as problem:
        raise RegistryTrouble("the registry sent no valid JSON", _MEND) from problem
    if not isinstance(document, dict) or document.keys() != {"version", "groups"}:
        raise _no_bundle("it does not have just a version and groups")
    if not _is_number(document["version"]):
        raise _no_bundle("its version is no number")
    if not isinstance(document["groups"], list):
        raise _no_bundle("its groups are no list")
    groups = tuple(_group(number, entry) for number, entry in enumerate(document["groups"]))
    if len({group.id for group in groups}) < len(groups):
        raise _no_bundle("two groups have one id")
    return Bundle(document["version"], groups)


def _group(number: int, entry: object) -> BundledGroup:
    if not isinstance(entry, dict) or entry.keys() != _FIELDS:
        raise _no_bundle(f"group {number} does not have just {', '.join(sorted(_FIELDS))}")
    if not _is_id(entry["id"]):
        raise _no_bundle(f"the id of group {number} is no UUID")
    # So that nothing in an answer is ever taken for a path.
    if entry["file"] != f"{entry['id']}.yml":
        raise _no_bundle(f"the file of group {number} is not named after its id")
    if not _is_number(entry["revision"]):
        raise _no_bundle(f"the revision of group {number} is no number")
    if not _is_text(entry["name"]) or not _is_text(entry["content"]):
        raise _no_bundle(f"the name or the content of group {number} is no text")
    return BundledGroup(entry["id"], entry["name"], entry["revision"], entry["content"])


def _is_id(value: object) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value
    except ValueError:
        return False


def _is_number(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _is_text(value: object) -> bool:
    """A string that has a UTF-8 form: JSON can also spell halves of surrogate pairs."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def _no_bundle(why: str) -> RegistryTrouble:
    return RegistryTrouble(f"the registry sent what is no bundle of rules: {why}", _MEND)
