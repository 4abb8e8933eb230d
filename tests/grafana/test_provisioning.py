"""What Grafana reads at its start: one data source, whose address the environment tells."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from pulseguard_grafana.configuration import shipped_provisioning

PROVISIONING = Path(__file__).parents[2] / "grafana" / "provisioning"
VARIABLES = {"PULSEGUARD_PROMETHEUS_URL", "PULSEGUARD_SCRAPE_INTERVAL"}


def test_what_is_shipped_is_what_lies_in_the_repository():
    files = [file for file in PROVISIONING.rglob("*") if file.is_file()]

    assert shipped_provisioning() == {
        file.relative_to(PROVISIONING).as_posix(): file.read_text(encoding="utf-8")
        for file in files
    }


def test_the_only_data_source_is_prometheus_under_the_uid_that_dashboards_refer_to():
    documents = [yaml.safe_load(text) for text in shipped_provisioning().values()]

    (source,) = [each for document in documents for each in document["datasources"]]
    assert {document["apiVersion"] for document in documents} == {1}
    assert (source["type"], source["uid"], source["access"]) == (
        "prometheus",
        "prometheus",
        "proxy",
    )
    assert source["isDefault"]
    assert not source["editable"]
    assert source["jsonData"]["httpMethod"] == "POST"


def test_it_expects_no_other_variables_than_it_says():
    values = [
        line.partition("#")[0] for line in "\n".join(shipped_provisioning().values()).split("\n")
    ]

    assert set(re.findall(r"\$\{?(\w+)", "\n".join(values))) == VARIABLES
