"""What becomes of the registry's rules, with real promtool and a real Prometheus."""

import shutil
import subprocess
import urllib.request

from pulseguard_prometheus.publication.rules_sync import PROOF_SECONDS
from pulseguard_prometheus.targets_file import file_signature
from pulseguard_stack.programs import find_program
from tests.prometheus.fakes import JSON, Asked, Reply, fake_server
from tests.prometheus.publication.rules_registry import constant, group_text, id_of
from tests.prometheus_server import eventually

ODD = (
    r"""alert: Odd|expr: "SUM (up{job='a  b',\n b=~`x\\.`, a!=\"q\"}) BY (job) """
    r"""# it's so\n > BOOL 0x10"|for: 1h30m|keep_firing_for: 90s|"""
    r"""labels: {severity: critical, team: '1'}|"""
    r"""annotations: {summary: "{{ $labels.job }} <b>é\n", runbook_url: "http://x/?a=1&b=2"}"""
)
BAD = {
    "expression": constant("expression", 2).replace("vector(2)", "sum(("),
    "template": group_text("template", 'alert: X|expr: up|annotations: {a: "{{ nope"}'),
    "offset": group_text("offset", "record: a:b|expr: up", fields=["query_offset: 1m"]),
    "no yaml": "groups: [",
    "two": constant("two") + constant("three").removeprefix("groups:\n"),
    "no group": "groups: []\n",
    "duration": group_text("duration", "alert: X|expr: up|for: soon"),
    "cut": constant("cut").rstrip("\n"),
}


def test_a_group_is_loaded_and_the_proof_is_told(side):
    side.registry.put("odd", group_text("odd", ODD, fields=["interval: 2m", "limit: 7"]))
    side.registry.put("plain", constant("plain"))
    with side.sync() as sync:
        sync.run_once()

    assert side.registry.reports == [
        {
            "version": side.registry.version,
            "groups": {
                id_of("odd"): {"loaded": 1, "rejected": None, "reason": ""},
                id_of("plain"): {"loaded": 1, "rejected": None, "reason": ""},
            },
            "trouble": "",
        }
    ]
    (report,) = [asked for asked in side.registry.asked if asked.body]
    assert report.path == "/api/v1/sync/eu%2F1/rules"
    assert report.headers["Authorization"] == "Bearer secret"
    (odd,) = side.prometheus.rule_groups()["odd"]["rules"]
    assert odd["annotations"]["summary"] == "{{ $labels.job }} <b>é\n"
    assert (odd["duration"], odd["labels"]["team"]) == (5400, "1")


def test_what_is_unchanged_is_told_again_only_after_a_while(side):
    side.registry.put("plain", constant("plain"))
    with side.sync() as sync:
        for _ in range(3):
            sync.run_once()
        assert len(side.registry.reports) == 1
        side.later += PROOF_SECONDS
        sync.run_once()
        assert len(side.registry.reports) == 2


def test_bad_groups_are_rejected_each_with_its_reason_while_the_others_load(side):
    for name, content in BAD.items():
        side.registry.put(name, content)
        side.registry.put(f"good {name}", constant(f"good_{len(name)}"))
    with side.sync() as sync:
        sync.run_once()

    for name in BAD:
        told = side.registry.told(name)
        assert (told["loaded"], told["rejected"]) == (None, 1), name
        assert told["reason"]
        assert "/" not in told["reason"]
        assert id_of(name) not in told["reason"]
        assert side.registry.loaded(f"good {name}") == 1
    assert len(side.files()) == len(BAD)
    assert "parse error" in side.registry.told("expression")["reason"]
    assert "query_offset" in side.registry.told("offset")["reason"]


def test_of_a_group_that_gets_bad_the_last_good_revision_stays_over_a_restart_too(side):
    side.registry.put("group", constant("group", 1))
    with side.sync() as sync:
        sync.run_once()
        good = file_signature(side.file("group"))
        side.registry.put("group", BAD["expression"])
        sync.run_once()
        assert side.registry.told("group")["loaded"] == 1
        assert side.registry.told("group")["rejected"] == 2
    with side.sync() as sync:
        sync.run_once()
        assert side.registry.told("group")["loaded"] == 1
        assert side.registry.told("group")["rejected"] == 2
        assert file_signature(side.file("group")) == good
        side.registry.put("group", constant("group", 3))
        sync.run_once()

    assert side.registry.told("group") == {"loaded": 3, "rejected": None, "reason": ""}
    assert side.value("group") == "vector(3)"


def test_a_removed_group_is_gone(side):
    side.registry.put("stays", constant("stays"))
    side.registry.put("goes", constant("goes"))
    with side.sync() as sync:
        sync.run_once()
        side.registry.remove("goes")
        sync.run_once()

    assert side.files() == {side.file("stays").name}
    assert side.prometheus.rule_groups().keys() == {"stays"}
    assert side.registry.reports[-1]["groups"].keys() == {id_of("stays")}


def test_a_removed_group_that_prometheus_still_has_is_not_told_to_be_gone(side):
    def handed_on(asked: Asked) -> Reply:
        is_get = asked.path.startswith("/api/v1/rules")
        body = None if is_get else asked.body
        request = urllib.request.Request(side.prometheus.url + asked.path, body)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return Reply(answer.status, JSON, answer.read())

    def deaf(asked: Asked) -> Reply:
        return Reply(200, JSON) if asked.path == "/-/reload" else handed_on(asked)

    for name in ("stays", "goes"):
        side.registry.put(name, constant(name))
    with fake_server(handed_on) as between:
        side.prometheus_url = between.url
        with side.sync() as sync:
            sync.run_once()
            before = side.registry.reports[-1]["version"]
            between.reply = deaf
            side.registry.remove("goes")
            sync.run_once()
            told = side.registry.reports[-1]
            assert told["version"] == before
            assert "still has 1 files of rules that are no more" in told["trouble"]
            between.reply = handed_on
            side.later += PROOF_SECONDS
            sync.run_once()

    told = side.registry.reports[-1]
    assert (told["version"], told["trouble"]) == (side.registry.version, "")


def test_what_only_prometheus_refuses_is_found_among_many_and_the_rest_is_loaded(side):
    names = [f"group_{number}" for number in range(5)]
    for name in names:
        side.registry.put(name, constant(name, 1))
    with side.sync() as sync:
        sync.run_once()
    # One that is newer than Prometheus may accept what that does not know.
    side.promtool = shutil.which("true")
    for name in names:
        side.registry.put(name, constant(name, 2))
    side.registry.put("group_3", BAD["template"])
    with side.sync() as sync:
        sync.run_once()

    assert [side.registry.loaded(name) for name in names] == [2, 2, 2, 1, 2]
    told = side.registry.told("group_3")
    assert (told["rejected"], "Prometheus refuses" in told["reason"]) == (3, True)
    assert side.value("group_3") == "vector(1)"
    assert side.registry.reports[-1]["trouble"] == ""
    accepted = [find_program("promtool"), "check", "rules", *side.folder.glob("*.yml")]
    assert subprocess.run(accepted, capture_output=True, timeout=60).returncode == 0


def test_an_expression_that_only_prometheus_does_not_take_never_lies_in_its_folder(side):
    side.promtool = shutil.which("true")
    side.registry.put("group", BAD["expression"])
    with side.sync() as sync:
        sync.run_once()

    assert "Prometheus does not take its expression" in side.registry.told("group")["reason"]
    assert side.prometheus.value("prometheus_config_last_reload_successful") in (None, 1)


def test_a_folder_that_somebody_changed_is_put_right(side):
    for name in ("edited", "gone", "rejected"):
        side.registry.put(name, constant(name))
    with side.sync() as sync:
        sync.run_once()
        side.registry.put("rejected", BAD["expression"])
        sync.run_once()
        good = {name: (side.folder / name).read_bytes() for name in side.files()}
        side.file("edited").write_text("groups: [", "utf-8")
        side.file("rejected").write_text(constant("rejected", 7), "utf-8")
        side.file("gone").unlink()
        (side.folder / "more.yml").write_text("nonsense", "utf-8")
        (side.folder / ".hidden.yml").symlink_to("/nonexistent")
        sync.run_once()
        assert {name: (side.folder / name).read_bytes() for name in side.files()} == good

    for name in ("edited", "rejected"):
        content = side.file(name).read_text("utf-8")
        side.file(name).write_text(content.replace("vector(1)", "vector(9)"), "utf-8")
    with side.sync() as sync:
        sync.run_once()
    assert side.file("edited").read_bytes() == good[side.file("edited").name]
    # Nobody knows any more what it was, and what is there was never checked.
    assert not side.file("rejected").exists()
    assert side.registry.told("rejected")["loaded"] is None


def test_a_firing_alert_keeps_its_start_over_changes_of_other_groups(side):
    alert = group_text("fires", "alert: Fires|expr: vector(1)", fields=["interval: 100ms"])
    side.registry.put("fires", alert)

    def started() -> str | None:
        (rule,) = side.prometheus.rule_groups()["fires"]["rules"]
        return rule["alerts"][0]["activeAt"] if rule["alerts"] else None

    with side.sync() as sync:
        sync.run_once()
        began = eventually(started)
        written = file_signature(side.file("fires"))
        side.registry.put("other", constant("other"))
        sync.run_once()
        side.registry.put("bad", BAD["template"])
        sync.run_once()

        assert side.registry.loaded("other") == 1
        assert started() == began
        assert file_signature(side.file("fires")) == written
