"""What becomes of the rules while Prometheus or the registry is away, or not what it should be."""

import pytest

from pulseguard_prometheus.errors import RulesFolderInUse
from pulseguard_prometheus.publication.folder import claimed_rules_folder
from pulseguard_prometheus.publication.older_bundle import HOLD_SECONDS
from pulseguard_prometheus.publication.rules_sync import PROOF_SECONDS
from pulseguard_prometheus.targets_file import file_signature
from tests.prometheus.fakes import JSON, Reply
from tests.prometheus.publication.rules_registry import constant, id_of
from tests.prometheus_server import eventually

BAD = constant("bad").replace("vector(", "sum((")


def test_what_prometheus_lost_meanwhile_is_noticed_and_loaded_again(side):
    side.registry.put("group", constant("group", 1))
    with side.sync() as sync:
        sync.run_once()
        # Without a trace on disk.
        kept = side.file("group").rename(side.folder / "kept")
        side.file("group").write_text(constant("group", 5), "utf-8")
        side.prometheus.reload()
        eventually(lambda: side.value("group") == "vector(5)")
        kept.rename(side.file("group"))
        side.later += PROOF_SECONDS
        sync.run_once()

    assert side.value("group") == "vector(1)"


@pytest.mark.parametrize("bundle", [b"[]", b"{", b'{"version": 9, "groups": [{"id": "../x"}]}'])
def test_what_is_no_bundle_leaves_everything_alone(side, bundle):
    side.registry.put("group", constant("group"))
    with side.sync() as sync:
        sync.run_once()
        before, told = side.file("group").read_bytes(), len(side.registry.reports)
        side.registry.bundle = bundle
        sync.run_once()
        # Still kept as it was meant to be.
        side.file("group").unlink()
        sync.run_once()

    assert side.file("group").read_bytes() == before
    assert len(side.registry.reports) == told


def test_at_the_start_without_a_registry_all_stays_as_it_is(side):
    side.registry.put("group", constant("group"))
    with side.sync() as sync:
        sync.run_once()
    (side.folder / "more.yml").write_text(constant("more"), "utf-8")
    before = {path.name: file_signature(path) for path in side.folder.glob("*.yml")}
    side.registry.trouble = Reply(503, JSON, b"{}")
    with side.sync() as sync:
        sync.run_once()

    assert {path.name: file_signature(path) for path in side.folder.glob("*.yml")} == before


def test_what_an_older_bundle_lacks_stays_for_a_while_and_that_is_told(side):
    side.registry.put("lost", constant("lost"))
    side.registry.put("both", constant("both", 1))
    with side.sync() as sync:
        sync.run_once()
    newest = side.registry.version
    # As one that was restored from a backup, which has gone on since.
    side.registry.remove("lost")
    side.registry.put("both", constant("both", 2))
    side.registry.version = newest - 1
    with side.sync() as sync:
        for _ in range(2):
            sync.run_once()
            side.later += HOLD_SECONDS - 1
            assert side.value("both") == "vector(2)"
            assert side.registry.loaded("lost") == 1
            assert (
                "lacks 1 groups of that: they stay for 15" in side.registry.reports[-1]["trouble"]
            )
        side.later += 1
        sync.run_once()
        assert side.files() == {side.file("both").name}
        assert side.registry.reports[-1]["trouble"] == ""
        # From there on it is as ever.
        side.registry.remove("both")
        sync.run_once()

    assert side.files() == set()


def test_a_second_sync_on_the_folder_is_refused(side):
    with side.sync(), pytest.raises(RulesFolderInUse), claimed_rules_folder(side.folder):
        pass


def test_while_prometheus_is_away_files_are_written_and_proven_when_it_is_back(side):
    side.registry.put("group", constant("group", 1))
    with side.sync() as sync:
        sync.run_once()
        side.prometheus.stop()
        side.registry.put("group", constant("group", 2))
        side.registry.put("bad", BAD)
        sync.run_once()
        assert b"vector(2)" in side.file("group").read_bytes()
        told = side.registry.reports[-1]
        assert "Prometheus does not answer" in told["trouble"]
        assert told["groups"][id_of("group")]["loaded"] == 1
        assert told["groups"][id_of("bad")]["rejected"] == 1
        side.registry.put("group", constant("group", 3))
        sync.run_once()
        assert b"vector(3)" in side.file("group").read_bytes()
        side.prometheus.start()
        side.later += PROOF_SECONDS
        sync.run_once()

    assert side.registry.reports[-1]["trouble"] == ""
    assert side.registry.loaded("group") == 3
    assert side.registry.told("bad")["loaded"] is None
    # It has taken them: there is nothing to be put back any more.
    assert not (side.folder / ".before.json").exists()


def test_what_prometheus_has_from_before_the_start_is_gone_too(side):
    side.registry.put("group", constant("group"))
    with side.sync() as sync:
        sync.run_once()
    side.file("group").unlink()
    side.registry.remove("group")
    with side.sync() as sync:
        sync.run_once()

    assert side.prometheus.rule_groups() == {}


def test_no_group_is_blamed_where_prometheus_refuses_to_reload_for_another_reason(side):
    side.registry.put("group", constant("group", 1))
    with side.sync() as sync:
        sync.run_once()
        configuration = side.prometheus.configuration_file.read_text("utf-8")
        side.prometheus.configure("nonsense: 1")
        side.registry.put("group", constant("group", 2))
        sync.run_once()
        assert side.registry.told("group") == {"loaded": 1, "rejected": None, "reason": ""}
        assert "for another reason" in side.registry.reports[-1]["trouble"]
        assert b"vector(1)" in side.file("group").read_bytes()
        side.prometheus.configure(configuration)
        side.later += PROOF_SECONDS
        sync.run_once()

    assert side.registry.loaded("group") == 2
