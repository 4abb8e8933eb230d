"""Changes an agent by a JSON merge patch (RFC 7396)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session

from pulseguard_registry.access.guard import check_bound
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.agents import models
from pulseguard_registry.agents.schemas import AgentPatch, AgentRegister, Merged
from pulseguard_registry.agents.service import OPERATOR, OPERATOR_FIELDS, name_cause
from pulseguard_registry.faults import validation_problem
from pulseguard_registry.problems import Problem, shown


def patch_agent(session: Session, agent: models.Agent, patch: AgentPatch, by: Principal) -> None:
    """Change what the patch names and nothing else.

    A key of role agent changes what is inside its bound before and after, and nothing that an
    operator has set: 403 problems.
    """
    asked = patch.model_dump(exclude_unset=True)
    values = merged(_current(agent), asked)
    try:
        Merged.model_validate(values)
    except ValidationError as error:
        raise validation_problem(error.errors(include_url=False)) from None
    if by.role == "agent":
        check_bound(by, agent.id, agent.environment, values["team"])
        _leave_to_operators(agent, asked)
    else:
        name_cause(session, OPERATOR)
        agent.operator_set = _set_by_operators(agent.operator_set, asked)
    for name in asked:
        setattr(agent, name, values[name])
    session.flush()


# Any: values of every kind that JSON knows.
def merged(current: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """The object after the patch; a field of an agent that null takes away has its default."""
    result: dict[str, Any] = merge_patch(dict(current), dict(patch))
    for name, value in patch.items():
        if value is None:
            result[name] = AgentRegister.model_fields[name].get_default()
    return result


def merge_patch(target: Any, patch: Any) -> Any:
    """MergePatch of RFC 7396, section 2. Neither argument is changed."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def _current(agent: models.Agent) -> dict[str, Any]:
    return {name: getattr(agent, name) for name in AgentPatch.model_fields}


def _set_by_operators(before: list[str], asked: Mapping[str, Any]) -> list[str]:
    """What they set stays theirs, what they set to null is the agent's again."""
    own = {name for name in before if name not in asked}
    own |= {name for name in OPERATOR_FIELDS if asked.get(name) is not None}
    return sorted(own)


def _leave_to_operators(agent: models.Agent, asked: Mapping[str, Any]) -> None:
    for name in agent.operator_set:
        if name in asked:
            raise Problem(
                403,
                f"{name}: an operator has set it to {shown(getattr(agent, name))}, which a key of"
                " role agent may not change; ask an editor to set it to null",
            )
