"""What the speaker of a group leaves to whoever comes after, as it is written down."""

import json
import time
from pathlib import Path

from pulseguard.group.ledger import decode, encode
from pulseguard.identity import Heard
from pulseguard.recording.recorder import Recorder
from pulseguard.reporting.snapshots import Timeline, Waiting, utc_now
from pulseguard.reporting.totals import read_totals
from tests.exporters.conftest import MakeAgent
from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.group.test_summing import Process
from tests.exporters.observing import wait_until


def written(recorder: Recorder, heard: Heard | None) -> bytes:
    timeline = Timeline(read_totals(recorder), utc_now(), time.monotonic())
    return encode(9464, timeline, Waiting(), heard)


def test_it_says_as_whom_the_registry_has_heard_the_agent_last() -> None:
    heard = Heard("6f9a1c9e", "web-1:7:0123")

    assert decode(written(Process(at=1.0).recorder, heard)).heard == heard


def test_one_of_an_earlier_version_says_nothing_of_that_and_is_read_all_the_same() -> None:
    document = json.loads(written(Process(at=1.0).recorder, None))
    del document["heard"]

    assert decode(json.dumps(document).encode()).heard is None


def test_who_beats_for_the_first_time_writes_that_down_at_once(
    registry: FakeRegistry, make_agent: MakeAgent, tmp_path: Path
) -> None:
    """Not only with its next snapshot: killed until then, it would leave the name of another."""
    of = {"instance": "one", "registry_url": registry.url, "snapshot_seconds": 60}
    registry.fault = lambda path: "503"
    first, second = make_agent(**of), make_agent(**of)
    first.start()
    second.start()

    def ledgers() -> list[Path]:
        return list((tmp_path / "groups").glob("*/ledger"))

    wait_until(ledgers)
    registry.fault = lambda path: None
    wait_until(lambda: registry.beating)

    (ledger,) = ledgers()
    beating = [Heard(*each) for each in registry.beating.items()]
    wait_until(lambda: [decode(ledger.read_bytes()).heard] == beating, 10)
