"""What Grafana reads at its start: one data source and one folder, which the environment tells."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from pulseguard_grafana.configuration import shipped_provisioning

PROVISIONING = Path(__file__).parents[2] / "grafana" / "provisioning"
VARIABLES = {"PULSEGUARD_PROMETHEUS_URL", "PULSEGUARD_SCRAPE_INTERVAL", "PULSEGUARD_DASHBOARDS"}


# Any: YAML.
def configured(kind: str) -> list[dict[str, Any]]:
    """What the files of the folder of this kind hold under it."""
    documents = [
        yaml.safe_load(text) for name, text in shipped_provisioning().items() if kind in name
    ]
    assert {document["apiVersion"] for document in documents} == {1}
    # Of dashboards, Grafana is told only who provides them.
    key = {"dashboards": "providers"}.get(kind, kind)
    return [each for document in documents for each in document[key]]


def test_what_is_shipped_is_what_lies_in_the_repository():
    files = [file for file in PROVISIONING.rglob("*") if file.is_file()]

    assert files
    assert shipped_provisioning() == {
        file.relative_to(PROVISIONING).as_posix(): file.read_text(encoding="utf-8")
        for file in files
    }


def test_the_only_data_source_is_prometheus_under_the_uid_that_dashboards_refer_to():
    (source,) = configured("datasources")

    assert (source["type"], source["uid"], source["access"]) == (
        "prometheus",
        "prometheus",
        "proxy",
    )
    assert source["isDefault"]
    assert not source["editable"]
    assert source["jsonData"]["httpMethod"] == "POST"


def test_the_dashboards_are_of_one_folder_and_only_their_files_change_them():
    (provider,) = configured("dashboards")

    assert (provider["type"], provider["folder"]) == ("file", "PulseGuard")
    assert provider["options"] == {"path": "$PULSEGUARD_DASHBOARDS"}
    assert not provider["allowUiUpdates"]
    assert not provider["disableDeletion"], "a page that is gone would be shown for ever"
    assert provider["updateIntervalSeconds"] > 0


def test_it_expects_no_other_variables_than_it_says():
    values = [
        line.partition("#")[0] for line in "\n".join(shipped_provisioning().values()).split("\n")
    ]

    assert set(re.findall(r"\$\{?(\w+)", "\n".join(values))) == VARIABLES
