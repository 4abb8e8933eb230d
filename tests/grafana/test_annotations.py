"""Which deployments are marked on the graphs, by promtool over versions that change."""

from __future__ import annotations

import pytest

from pulseguard_grafana.annotations import version_changes
from pulseguard_grafana.scope import FLEET
from tests.grafana.evaluated import objections

# Of instances of one agent with their versions, when each was there: a value a minute.
HERE = {
    "a new version of the same instance": {"one 1": "1x30 stale", "one 2": "_x31 1x30"},
    "new instances after 5 minutes without any": {"one 1": "1x25 stale", "two 2": "_x31 1x30"},
    "one of two instances": {"one 1": "1x60", "two 1": "1x30 stale", "two 2": "_x31 1x30"},
    "the way back after 5 minutes": {
        "one 2": "1x25 stale _x4 1x30",
        "one 1": "_x26 1x4 stale",
    },
}
NOT_HERE = {
    "a new agent": {"one 2": "_x31 1x30"},
    "another instance of the same version": {"one 2": "1x60", "two 2": "_x31 1x30"},
    "a gap of 20 minutes": {"one 2": "1x10 stale _x19 1x30"},
    "an instance that comes back beside others": {"one 2": "1x60", "two 2": "1x25 _x5 1x30"},
}
CHANGED = {'{environment="production",agent="bot",agent_version="2"}': 1.0}


def series(versions: dict[str, str]) -> dict[str, str]:
    """The series of these instances with their versions."""
    found = {}
    for named, values in versions.items():
        instance, version = named.split()
        labels = f'agent_id="id of {instance}",agent="bot",instance="{instance}"'
        labels += f',environment="production",team="x",agent_version="{version}"'
        found[f"pulseguard_agent_info{{{labels}}}"] = values
    return found


@pytest.mark.parametrize("versions", HERE.values(), ids=HERE)
def test_a_version_is_marked_once_when_it_comes(tmp_path, versions):
    changes = version_changes(FLEET)

    assert not objections(tmp_path, changes, CHANGED, series(versions), at="31m")
    for at in ("30m", "34m", "45m"):
        assert not objections(tmp_path, changes, {}, series(versions), at=at), at


@pytest.mark.parametrize("versions", NOT_HERE.values(), ids=NOT_HERE)
def test_what_is_no_change_of_a_version_is_not_marked(tmp_path, versions):
    for at in ("30m", "31m", "32m"):
        assert not objections(tmp_path, version_changes(FLEET), {}, series(versions), at=at), at
