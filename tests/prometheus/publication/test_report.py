"""What the registry is told is never more than it takes."""

import json
import uuid

from pulseguard_prometheus.publication.report import GroupState, report

BODY_LIMIT_BYTES = 1024 * 1024


def test_reasons_are_cut_where_there_are_too_many_and_nowhere_else():
    groups = [str(uuid.UUID(int=number)) for number in range(5000)]
    rejected = GroupState(loaded=10, rejected=11, reason="é" * 1000)

    few = report(1, dict.fromkeys(groups[:40], rejected), "")
    many = report(1, dict.fromkeys(groups, rejected), "")

    assert {group["reason"] for group in few["groups"].values()} == {rejected.reason}
    assert len(json.dumps(many)) < BODY_LIMIT_BYTES
    assert len(many["groups"]) == 5000
    assert all(group["reason"] for group in many["groups"].values())
