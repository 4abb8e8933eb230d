"""Where everything of the watched stack is, told while the view covers what `make up` has said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pulseguard_stack.status.settings import find_endpoints
from tests.stack.status.conftest import run_status
from tests.stack.status.fakes import agent, fake_server, prometheus_of, registry_of

RUN = {
    "registry_url": "http://127.0.0.1:8000",
    "prometheus_url": "http://127.0.0.1:9090",
    "alertmanager_url": "http://127.0.0.1:9093",
    "grafana_url": "http://127.0.0.1:3000",
    "viewer_key_file": "viewer.key",
}


def stack_in(folder: Path, **fields: Any) -> Path:
    """A data folder with the run.json of a stack."""
    keys = folder / "stack" / "keys"
    keys.mkdir(parents=True)
    (keys / "viewer.key").write_text("pg_viewer_x")
    run = {**RUN, **fields, "viewer_key_file": str(keys / "viewer.key")}
    (folder / "stack" / "run.json").write_text(json.dumps(run))
    return folder


def test_everything_that_runs_here_is_named(tmp_path: Path) -> None:
    found = find_endpoints(None, None, None, stack_in(tmp_path), {})

    assert list(found.addresses) == [
        "registry http://127.0.0.1:8000",
        "Prometheus http://127.0.0.1:9090",
        "Alertmanager http://127.0.0.1:9093",
        "Grafana http://127.0.0.1:3000",
        f"keys {tmp_path / 'stack' / 'keys'}",
    ]


def test_what_does_not_run_is_not_named(tmp_path: Path) -> None:
    hostile = "http://x\x1b[2J"
    found = find_endpoints(
        None, None, None, stack_in(tmp_path, grafana_url=None, alertmanager_url=hostile), {}
    )

    assert [said.split()[0] for said in found.addresses] == ["registry", "Prometheus", "keys"]


@pytest.mark.parametrize(
    ("registry_url", "prometheus_url"),
    [("http://elsewhere:8000", None), (None, "http://elsewhere:9090")],
)
def test_the_addresses_of_this_machine_are_not_told_of_another_stack(
    tmp_path: Path, registry_url: str | None, prometheus_url: str | None
) -> None:
    found = find_endpoints(registry_url, None, prometheus_url, stack_in(tmp_path), {})

    assert list(found.addresses) == []


def test_the_plain_table_ends_with_the_addresses(tmp_path: Path) -> None:
    agents = [agent("coder")]
    with (
        fake_server(registry_of(agents, [])) as registry,
        fake_server(prometheus_of(agents)) as prometheus,
    ):
        stack_in(tmp_path, registry_url=registry.url, prometheus_url=prometheus.url)
        here = run_status(PULSEGUARD_DATA_DIR=str(tmp_path))
        elsewhere = run_status("--registry-url", registry.url, "--prometheus-url", prometheus.url)

    assert "coder" in here.stdout
    assert f"registry {registry.url}  Prometheus {prometheus.url}" in here.stdout
    assert "Grafana http://127.0.0.1:3000" in here.stdout
    assert str(tmp_path / "stack" / "keys") in here.stdout.splitlines()[-1]
    assert "coder" in elsewhere.stdout
    assert registry.url not in elsewhere.stdout
