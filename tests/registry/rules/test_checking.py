"""What a check says of rules: every fault at once, each where it is, errors before warnings."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from pulseguard.catalog import RECORDED
from pulseguard_registry.rules.checking.group import check_group
from pulseguard_registry.rules.checking.known_names import KnownNames, catalogue_names
from pulseguard_registry.rules.vocabulary import Rule, RuleGroup
from tests.registry.rules.checked import GOOD, found, said

RULES = Path(__file__).parents[3] / "prometheus" / "rules"
# They ask for metrics of Prometheus and Alertmanager, which the catalogue has not.
OF_OTHERS = ("monitoring.yml", "watchdog.yml")
ABOUT_AGENTS = sorted(path for path in RULES.glob("*.yml") if path.name not in OF_OTHERS)


def test_a_good_rule_has_no_finding():
    assert found(GOOD) == []


# A sum of counters is no counter, of which the warning is: but one over a single process is.
SUMS_OF_ONE_PROCESS = {"pulseguard:agent_cost_usd:sum"}


@pytest.mark.parametrize("path", ABOUT_AGENTS, ids=lambda path: path.name)
def test_the_shipped_rules_have_no_finding(path: Path):
    (group,) = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    rules = [
        Rule(
            "alert" if "alert" in rule else "record",
            rule.get("alert") or rule["record"],
            rule["expr"],
            rule.get("for"),
            labels=rule.get("labels", {}),
            annotations=rule.get("annotations", {}),
        )
        for rule in group["rules"]
    ]

    assert [one for one in found(*rules) if one.rule not in SUMS_OF_ONE_PROCESS] == []


def test_the_names_that_the_shipped_rules_record_are_in_the_catalogue():
    recorded = {
        rule["record"]
        for path in RULES.glob("*.yml")
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "record" in rule
    }

    assert recorded == set(RECORDED)


def test_every_fault_of_every_rule_is_told_at_once_errors_first():
    first = Rule("alert", "First", "upp > 0", labels={"who": "{{ who }}"})
    second = Rule("alert", "Second", "sum(", annotations={"summary": "{{ $x }}{{ y }}"})

    told = [(one.level, one.rule, one.field) for one in found(first, second)]

    assert told == [
        ("error", "First", "rules[0].labels.who"),
        ("error", "Second", "rules[1].expr"),
        ("error", "Second", "rules[1].annotations.summary"),
        ("error", "Second", "rules[1].annotations.summary"),
        ("warning", "First", "rules[0].expr"),
        ("warning", "First", "rules[0].for"),
        ("warning", "First", "rules[0].labels.severity"),
        ("warning", "First", "rules[0].annotations.runbook_url"),
        ("warning", "First", "rules[0].annotations.summary"),
        ("warning", "Second", "rules[1].for"),
        ("warning", "Second", "rules[1].labels.severity"),
        ("warning", "Second", "rules[1].annotations.runbook_url"),
    ]


def test_the_severity_of_the_group_is_that_of_its_rules():
    assert found(replace(GOOD, labels={}), labels={"severity": "info"}) == []


@pytest.mark.parametrize(
    ("severity", "ending"),
    [
        ("Critical", "; is critical meant?"),
        ("crtical", "; is critical meant?"),
        ("warn", "; is warning meant?"),
        ("urgent", "give critical, warning or info"),
    ],
)
def test_a_severity_by_which_nobody_is_paged_is_a_warning(severity: str, ending: str):
    (own,) = found(replace(GOOD, labels={"severity": severity}))
    (of_group,) = found(replace(GOOD, labels={}), labels={"severity": severity})

    assert own == of_group
    assert (own.level, own.field, own.value) == ("warning", "rules[0].labels.severity", severity)
    assert own.message.startswith(f"{severity} is no severity")
    assert "critical, warning or info" in own.message
    assert own.message.endswith(ending)


@pytest.mark.parametrize("severity", ["critical", "warning", "info", "none", "{{ $labels.team }}"])
def test_a_severity_that_is_known_or_made_by_a_template_is_none(severity: str):
    assert found(replace(GOOD, labels={"severity": severity})) == []


@pytest.mark.parametrize(
    ("expr", "place"),
    [
        ("sum(rate(up[5m)) > 0", "() at 1:15 does not close [ at 1:12)"),
        ("up\n  and\n (down[5m)", "() at 3:10 does not close [ at 3:7)"),
        ("sum(sum(up)", "(( at 1:4 is not closed)"),
        ("sum(up)) > 0", "() at 1:8 closes nothing)"),
        ('up{a=")}" > 0', "({ at 1:3 is not closed)"),
        ("sum(up{a='b})", "(the text that begins at 1:10 is not closed)"),
    ],
)
def test_a_bracket_that_does_not_fit_is_told_with_its_place(expr: str, place: str):
    (one,) = said(expr)

    assert one.startswith("error: Prometheus does not take it: ")
    assert one.endswith(place)


def test_no_bracket_is_blamed_for_what_is_wrong_elsewhere():
    (one,) = said("sum(up{a=')'}) > > 3")

    assert one == "error: Prometheus does not take it: invalid promql query"


def test_a_template_in_a_recording_rule_is_a_text():
    assert found(Rule("record", "a:b:c", "up", labels={"job": "{{ nothing }}"})) == []


@pytest.mark.parametrize(
    ("expr", "sentence"),
    [
        ("puslegard_tokens_total", "pulseguard_tokens_total meant"),
        ("rate(pulseguard_cost_usd[5m])", "pulseguard_cost_usd_total meant"),
        ('{__name__=~"up|upp"}', "no metric upp"),
        ("pulseguard_task_duration_seconds", "no metric pulseguard_task_duration_seconds is"),
        ('up{envronment="a"}', "environment meant"),
        ("sum by (teem) (up)", "team meant"),
        ("up * on (agnet_id) up", "agent_id meant"),
        ("up * on (agent_id) group_left (agnet) up", "agent meant"),
        ("rate(pulseguard_agent_state[5m])", "rate is not for a gauge"),
        ("increase((up)[5m:1m])", "increase is not for a gauge"),
        ("irate(pulseguard:agent_model_calls:rate5m[5m])", "irate is not for a gauge"),
        ("deriv(pulseguard_tokens_total[5m])", "deriv is not for a counter"),
        ("pulseguard_tokens_total > 100", "pulseguard_tokens_total is a counter"),
        ("sum(pulseguard_errors_total) by (agent)", "pulseguard_errors_total is a counter"),
        ("my_things_total > 5", "my_things_total is a counter"),
        (
            "histogram_quantile(0.9, sum by (team) (pulseguard_task_duration_seconds_bucket))",
            "needs the label le: sum takes it away",
        ),
        (
            "histogram_quantile(0.9, sum without (le) (pulseguard_task_duration_seconds_bucket))",
            "needs the label le: sum takes it away",
        ),
        ("histogram_quantile(0.9, up)", "needs the label le: up has none"),
        (
            "histogram_quantile(0.9, sum(rate(pulseguard_task_duration_seconds_bucket[5m])))",
            "needs the label le: sum takes it away",
        ),
        (
            "histogram_quantile(0.9, rate(pulseguard_task_duration_seconds_sum[5m]))",
            "needs the label le",
        ),
        ('{job=~".+"}', "selects every series"),
        ('{__name__=~".+"}', "selects every series"),
    ],
)
def test_what_can_hardly_be_meant_is_a_warning(expr: str, sentence: str):
    told = said(expr)

    assert any(sentence in one for one in told), told
    assert all(one.startswith("warning") for one in told)


@pytest.mark.parametrize(
    "expr",
    [
        "rate(pulseguard_tokens_total[5m])",
        "resets(pulseguard_tokens_total[5m])",
        "increase(pulseguard:agent_cost_usd:sum[1h])",
        "changes(up[5m])",
        "count(pulseguard_tokens_total)",
        "absent(pulseguard_tokens_total)",
        "timestamp(pulseguard_tokens_total)",
        "up unless pulseguard_tokens_total",
        "deriv(pulseguard_context_tokens[5m])",
        "histogram_quantile(0.9, sum by (le) (rate(pulseguard_task_duration_seconds_bucket[5m])))",
        "histogram_quantile(0.9, sum without (team) (pulseguard_task_duration_seconds_bucket))",
        'sum by (who) (label_replace(up, "who", "$1", "agent", "(.*)"))',
        'count_values("version", up) > 0 and on (version) up',
        "a:b:c + 1",
        'up{job=~".+"}',
        '{agent="a"}',
    ],
)
def test_what_can_well_be_meant_is_none(expr: str):
    assert said(expr) == []


@pytest.mark.parametrize(
    ("expr", "sentence"),
    [
        ("up", "for every series"),
        ("up == bool 0", "`bool`"),
        ("(up > bool 1) or up < bool 3", "`bool`"),
        ("sum(rate(pulseguard_tokens_total[5m]))", "for every series"),
        ("up > 0 or up", "for every series"),
        ("vector(1)", "for every series"),
        ("1", "for every series"),
    ],
)
def test_an_alert_that_always_fires_is_told_of(expr: str, sentence: str):
    assert [sentence in one for one in said(expr, "alert")] == [True]


@pytest.mark.parametrize(
    "expr",
    [
        "up == 0",
        "(up == 0) * 5",
        "sum(up == 0)",
        "absent(up)",
        "up unless up",
        "up and up == 0",
        "max_over_time((up == 0)[5m:1m])",
        'ALERTS{alertstate="firing"}',
        "vector(1) and hour() > 8",
    ],
)
def test_an_alert_that_leaves_something_out_is_not(expr: str):
    assert said(expr, "alert") == []


def test_a_recorded_name_of_another_form_is_a_warning():
    (one,) = found(Rule("record", "my_rate", "up"))

    assert (one.level, one.field, one.value) == ("warning", "rules[0].record", "my_rate")


def test_a_label_that_is_not_there_is_empty_in_a_text():
    (one,) = found(replace(GOOD, annotations={**GOOD.annotations, "a": "{{ $labels.tema }}"}))

    assert (one.level, one.field) == ("warning", "rules[0].annotations.a")


def test_what_prometheus_has_is_known_and_the_warning_says_whether_it_was_asked():
    rule = Rule("record", "a:b:c", "node_load1 + node_lod1")
    asked = KnownNames({"node_load1": "gauge"}, frozenset(), asked_prometheus=True)

    assert len(check_group(RuleGroup("g", (rule,)), catalogue_names())) == 2
    (one,) = check_group(RuleGroup("g", (rule,)), asked)
    assert one.message.startswith("no metric node_lod1 is known to Prometheus or the catalogue")
    assert "node_load1 meant" in one.message
