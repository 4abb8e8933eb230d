"""Decides whether a registry's answer is a target list that Prometheus would take, whole."""

import json
import re
from dataclasses import dataclass

from pulseguard_prometheus.errors import RegistryTrouble

# https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
# What Prometheus asks of an http_sd answer, prometheus/discovery/http/http.go.
CONTENT_TYPE = re.compile(r"application/json *(; *charset=\"?utf-8\"?)?", re.IGNORECASE)

_MEND = "check that PULSEGUARD_REGISTRY_URL names a PulseGuard registry of this version"


@dataclass(frozen=True)
class TargetGroup:
    """Addresses that share their labels."""

    addresses: tuple[str, ...]
    labels: dict[str, str]


@dataclass(frozen=True)
class TargetList:
    """A checked target list, in the registry's order."""

    groups: tuple[TargetGroup, ...]

    @property
    def size(self) -> int:
        """How many addresses the list has."""
        return sum(len(group.addresses) for group in self.groups)

    def render(self) -> bytes:
        """Answers the file_sd file of this list: the same list is always the same bytes."""
        groups = [{"targets": group.addresses, "labels": group.labels} for group in self.groups]
        return json.dumps(groups, indent=1).encode() + b"\n"


def parse_target_list(content_type: str, body: bytes) -> TargetList:
    """Answers the list that a 200 brought; raises RegistryTrouble where a part of it is wrong.

    All or nothing, as in Prometheus: half a list would drop the targets of the other half.
    """
    if not CONTENT_TYPE.fullmatch(content_type):
        raise RegistryTrouble(
            f"the registry sent {content_type[:80] or 'no type'!r}, not JSON", _MEND
        )
    try:
        document = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as problem:
        raise RegistryTrouble("the registry sent no valid JSON", _MEND) from problem
    if not isinstance(document, list):
        raise _not_a_list("it is no list")
    return TargetList(tuple(_group(number, entry) for number, entry in enumerate(document)))


def _group(number: int, entry: object) -> TargetGroup:
    if not isinstance(entry, dict) or not {"targets"} <= entry.keys() <= {"targets", "labels"}:
        raise _not_a_list(f"entry {number} does not have just targets and labels")
    addresses, labels = entry["targets"], entry.get("labels", {})
    if not isinstance(addresses, list) or not all(_is_text(address) for address in addresses):
        raise _not_a_list(f"the targets of entry {number} are no list of strings")
    if not isinstance(labels, dict) or not all(_is_text(value) for value in labels.values()):
        raise _not_a_list(f"the labels of entry {number} do not map names to strings")
    for name in labels:
        if not LABEL_NAME.fullmatch(name) or name.startswith("__"):
            raise _not_a_list(f"entry {number} has the label name {name[:80]!a}")
    return TargetGroup(tuple(addresses), labels)


def _is_text(value: object) -> bool:
    """A string that has a UTF-8 form: JSON can also spell halves of surrogate pairs."""
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _not_a_list(why: str) -> RegistryTrouble:
    return RegistryTrouble(f"the registry sent what is no target list: {why}", _MEND)
