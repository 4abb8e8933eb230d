"""What to call each agent, in as few words as tell it from all others of the fleet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from pulseguard_stack.status.fleet import Member


def titles(members: Sequence[Member]) -> Mapping[str, str]:
    """By agent id: the name; name/instance, or environment/name/instance, where it has to be."""
    names = Counter(member.name for member in members)
    places = Counter((member.name, member.instance) for member in members)
    return {
        member.agent_id: _title(
            member, names[member.name] > 1, places[member.name, member.instance] > 1
        )
        for member in members
    }


def _title(member: Member, with_instance: bool, with_environment: bool) -> str:
    words = [member.environment] if with_environment else []
    words.append(member.name)
    words += [member.instance] if with_instance else []
    return "/".join(word for word in words if word)
