"""`pulseguard dashboards preview`, as an operator runs it."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from pulseguard.command import main
from pulseguard_grafana import command
from pulseguard_grafana.configuration import shipped_dashboards

NOWHERE = "http://127.0.0.1:1"
FLEET = ["dashboards", "preview", "fleet"]


@pytest.fixture
def preview(capsys, prometheus, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*arguments):
        status = main([*FLEET, "--prometheus-url", prometheus.url, *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_every_panel_is_printed_with_its_title_and_its_value(preview):
    status, out, err = preview()

    assert (status, err) == (0, "")
    titles = [panel["title"] for panel in json.loads(shipped_dashboards()["fleet"])["panels"]]
    assert [title for title in titles if title not in out] == []
    (row,) = [line for line in out.splitlines() if "support.chat" in line]
    assert row.split()[:6] == [
        *("support.chat", "one", "production", "service", "ERROR", "critical")
    ]
    assert "environment = All: production, staging" in out
    assert "█  last 2 " in out


def test_a_chosen_value_is_said_and_the_others_are_not_there(preview):
    _, out, _ = preview("--var", "environment=staging")

    assert "environment = staging" in out
    assert "support.chat" not in out


def test_a_table_shows_its_first_rows_and_says_how_many_more_there_are(preview):
    _, out, _ = preview("--rows", "1")

    assert "support.chat" in out
    assert "researcher" not in out
    assert "and 2 more rows" in out


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_terminal_shows_what_it_has_room_for_and_says_what_it_has_not(
    preview, monkeypatch, columns
):
    monkeypatch.setenv("COLUMNS", str(columns))

    _, out, _ = preview()

    lines = out.splitlines()
    assert max(map(len, lines)) <= columns
    heading = next(line for line in lines if "Agent " in line and "Instance" in line)
    missing = [line for line in lines if "no room for" in line]
    for title in ("Agent", "Instance", "Status", "Trouble", "Tokens/s", "Cost today"):
        assert title in " ".join([heading, *missing])
    assert bool(missing) is (columns < 100)
    assert "platform  █" in out, "a name is not cut"


def test_json_is_one_document_of_all_panels(preview):
    status, out, _ = preview("--json")

    document = json.loads(out)
    assert status == 0
    assert document["uid"] == "pulseguard-fleet"
    assert all({"id", "title", "type"} <= set(panel) for panel in document["panels"])


def test_strict_names_the_panels_without_data(preview):
    status, _, err = preview("--strict")

    assert status == 3
    assert "Task success" in err
    assert "Tokens/s" not in err


def test_strict_counts_no_panel_whose_emptiness_is_good_news(preview):
    _, out, err = preview("--strict")

    assert "No alert fires" in out
    for title in ("Which alerts fire", "Firing alerts", "Simulated"):
        assert title not in err


def test_strict_counts_an_error_wherever_it_is(preview, monkeypatch):
    broken = shipped_dashboards()["fleet"].replace("pulseguard_registry_disagreements", "sum(")
    monkeypatch.setattr(command, "shipped_dashboards", lambda: {"fleet": broken})

    status, _, err = preview("--strict")

    assert status == 3
    assert "Disagreements" in err


def test_strict_is_content_where_every_panel_has_data(preview, monkeypatch):
    document = json.loads(shipped_dashboards()["fleet"])
    document["panels"] = [each for each in document["panels"] if each["title"] == "Tokens/s"]
    monkeypatch.setattr(command, "shipped_dashboards", lambda: {"fleet": json.dumps(document)})

    assert preview("--strict")[0] == 0


def test_a_label_gives_the_terminal_no_orders(preview, monkeypatch):
    dashboard = shipped_dashboards()["fleet"]
    hostile = dashboard.replace("{{status}}", "\\u001b[2J\\u009b2J{{status}}")
    monkeypatch.setattr(command, "shipped_dashboards", lambda: {"fleet": hostile})

    _, out, _ = preview()

    assert "[2JONLINE" in out.replace("\ufffd2J", "[2J")
    assert not {"\x1b", "\x9b"} & set(out)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["dashboards", "preview", "flet"],
            "no dashboard 'flet'; there are agent, cost, fleet,",
        ),
        ([*FLEET, "--prometheus-url", "nowhere"], "is no address"),
        ([*FLEET, "--var", "agent"], "give a name and a value"),
        ([*FLEET, "--data-dir", "/nonexistent"], "start one with `make up`"),
        ([*FLEET, "--rows", "0"], "--rows 0: give a number from 1 on"),
        ([*FLEET, "--rows", "many"], "--rows many: give a number from 1 on"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(capsys, arguments, told):
    assert main(arguments) == 2

    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


@pytest.mark.parametrize("arguments", [["--since", "noon"], ["--var", "x=1"]])
def test_so_is_what_the_dashboard_does_not_know(preview, arguments):
    status, out, err = preview(*arguments)

    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["budget=abc"], "budget is to be a number"),
        (["budget=1,5"], "budget is to be a number"),
        (["budget=1", "budget=2"], "has one value"),
    ],
)
def test_a_budget_that_is_no_number_is_refused(capsys, prometheus, typed, told):
    flags = [part for each in typed for part in ("--var", each)]

    status = main(
        ["dashboards", "preview", "cost", "--prometheus-url", prometheus.url, *flags],
    )

    assert status == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


@pytest.mark.parametrize("budget", ["", "25", "12.5"])
def test_a_budget_is_a_number_or_nothing(capsys, prometheus, budget):
    where = ["--prometheus-url", prometheus.url, "--var", f"budget={budget}"]

    assert main(["dashboards", "preview", "cost", *where]) == 0
    assert "error" not in capsys.readouterr().out


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_value_that_is_not_offered_is_said_to_be_unknown_and_shown_all_the_same(preview, more):
    status, out, err = preview(
        "--var", "environment=nowhere", "--var", "environment=staging", *more
    )

    assert status == 0
    assert "nowhere" in out
    (line,) = err.splitlines()
    assert "nothing is known of environment=nowhere" in line


def test_it_is_said_to_be_unknown_beside_all_as_well(preview):
    _, _, err = preview("--var", "environment=nowhere", "--var", "environment=All")

    (line,) = err.splitlines()
    assert "environment=nowhere" in line


@pytest.mark.parametrize("choice", ["environment=All", "simulation=shown", "simulation=-"])
def test_what_is_offered_is_not_said_to_be_unknown(preview, choice):
    assert preview("--var", choice)[2] == ""


def test_a_prometheus_that_does_not_answer_is_one_sentence(capsys):
    assert main([*FLEET, "--prometheus-url", NOWHERE]) == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert NOWHERE in line


def test_what_is_no_prometheus_is_one_sentence(capsys):
    class Other(BaseHTTPRequestHandler):
        """Answers 501 to everything."""

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
        Thread(target=server.serve_forever).start()
        try:
            status = main([*FLEET, "--prometheus-url", f"http://127.0.0.1:{server.server_port}"])
        finally:
            server.shutdown()

    (line,) = capsys.readouterr().err.splitlines()
    assert status == 1
    assert "no Prometheus: status 501" in line


@pytest.mark.parametrize("by", ["variable", "data folder", "state folder"])
def test_the_prometheus_of_the_running_stack_is_found(
    capsys, monkeypatch, prometheus, tmp_path, by
):
    left = {"prometheus_url": prometheus.url}
    for variable in ("PULSEGUARD_PROMETHEUS_URL", "PULSEGUARD_DATA_DIR"):
        monkeypatch.delenv(variable, raising=False)
    if by == "variable":
        monkeypatch.setenv("PULSEGUARD_PROMETHEUS_URL", prometheus.url)
    elif by == "data folder":
        (tmp_path / "stack").mkdir()
        (tmp_path / "stack" / "run.json").write_text(json.dumps(left))
        monkeypatch.setenv("PULSEGUARD_DATA_DIR", str(tmp_path))
    else:
        (tmp_path / "pulseguard").mkdir()
        (tmp_path / "pulseguard" / "agent.json").write_text(json.dumps(left))
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    assert main(FLEET) == 0
    assert "Is everything well?" in capsys.readouterr().out
