"""How an Alertmanager comes to its configuration: checked, proven, and as it was in any doubt."""

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulseguard_prometheus.configuration import shipped_alertmanager_configuration
from pulseguard_prometheus.errors import NotificationTrouble
from pulseguard_prometheus.notification import alertmanager
from pulseguard_prometheus.notification.alertmanager import hash_of
from pulseguard_prometheus.notification.files import ConfigurationFiles, claimed_files
from pulseguard_prometheus.notification.receivers import read_receivers
from pulseguard_prometheus.notification.rendering import Rendered, render
from pulseguard_prometheus.notification.routes import Times
from pulseguard_prometheus.notification.settings import (
    AlertmanagerPlace,
    read_notification_settings,
)
from pulseguard_prometheus.notification.sync import PROOF_SECONDS, RETRY_SECONDS, AlertmanagerSync
from pulseguard_stack.programs import find_program
from tests.prometheus.alertmanager_server import AlertmanagerServer
from tests.prometheus.fakes import FakeServer, Reply, fake_server
from tests.prometheus.sync_process import SyncProcess
from tests.prometheus_server import eventually

REGISTRY = "http://127.0.0.1:8000"
BAD = Times(group_wait="soon")


def rendered(times: Times) -> Rendered:
    settings = read_notification_settings({"PULSEGUARD_EMAIL_TO": "a@b.c"}, REGISTRY)
    return render(settings, read_receivers(settings), times)


def metrics(configuration: str) -> Reply:
    """What an Alertmanager shows of the configuration that it runs with."""
    shown = hash_of(configuration.encode())
    return Reply(body=f"alertmanager_config_hash {shown}\n".encode())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AlertmanagerServer]:
    """An Alertmanager with the shipped configuration, not started yet."""
    server = AlertmanagerServer(tmp_path / "alertmanager", shipped_alertmanager_configuration())
    yield server
    server.stop()


@pytest.fixture
def files(server: AlertmanagerServer) -> Iterator[ConfigurationFiles]:
    with claimed_files(server.configuration_file) as files:
        yield files


class Keeping:
    """A sync of one Alertmanager, run step by step under a clock of its own."""

    def __init__(self, server: AlertmanagerServer, files: ConfigurationFiles) -> None:
        self.server = server
        self.files = files
        self.now = 0.0

    def sync(self, amtool: Path, times: Times | None = None, to: str = "a@b.c") -> AlertmanagerSync:
        settings = read_notification_settings({"PULSEGUARD_EMAIL_TO": to}, REGISTRY)
        place = AlertmanagerPlace(self.server.configuration_file, self.server.url, amtool)
        return AlertmanagerSync(settings, place, self.files, times=times, clock=lambda: self.now)

    def receivers(self) -> set[str]:
        """What the running Alertmanager says that it has."""
        url = f"{self.server.url}/api/v2/receivers"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return {each["name"] for each in json.load(answer)}


@pytest.fixture
def keeping(server: AlertmanagerServer, files: ConfigurationFiles) -> Keeping:
    return Keeping(server, files)


@pytest.fixture
def amtool() -> Path:
    return find_program("amtool")


@pytest.fixture
def careless(tmp_path: Path) -> Path:
    """A checker that takes everything, as one of another version may."""
    path = tmp_path / "careless"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o700)
    return path


def test_what_amtool_refuses_is_never_written(
    keeping: Keeping, amtool: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    counting, asked = tmp_path / "counting", tmp_path / "asked"
    counting.write_text(f'#!/bin/sh\necho >> "{asked}"\nexec "{amtool}" "$@"\n')
    counting.chmod(0o700)
    refused = keeping.sync(counting, BAD)

    for _ in range(3):
        refused.run_once()

    assert asked.read_text() == "\n"
    assert keeping.server.configuration_file.read_text() == shipped_alertmanager_configuration()
    (said,) = caplog.messages
    assert "amtool refuses the configuration" in said
    assert 'not a valid duration string: "soon"' in said


def test_what_alertmanager_refuses_is_taken_back(
    keeping: Keeping, amtool: Path, careless: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keeping.server.start()
    keeping.sync(amtool).run_once()
    before = keeping.files.content()
    caplog.clear()
    refused = keeping.sync(careless, BAD)

    for _ in range(3):
        refused.run_once()

    assert keeping.files.content() == before
    (said,) = caplog.messages
    assert "Alertmanager does not take its configuration (500" in said
    assert keeping.receivers() == {"registry", "email"}
    keeping.server.restart()
    assert keeping.receivers() == {"registry", "email"}


def test_what_alertmanager_never_took_before_a_crash_is_taken_back(
    keeping: Keeping, amtool: Path, careless: Path
) -> None:
    keeping.server.start()
    keeping.sync(amtool).run_once()
    before = keeping.files.content()
    keeping.files.replace(rendered(BAD))

    keeping.sync(careless, BAD).run_once()

    assert keeping.files.content() == before


def test_an_alertmanager_that_ended_meanwhile_starts_with_what_it_took_last(
    keeping: Keeping, amtool: Path, careless: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keeping.server.start()
    keeping.sync(amtool).run_once()
    keeping.server.stop()
    keeping.files.replace(rendered(BAD))
    refused = keeping.sync(careless, BAD)

    refused.run_once()
    keeping.server.start()
    refused.run_once()

    assert "(500" in caplog.messages[-1]
    keeping.server.restart()
    assert keeping.receivers() == {"registry", "email"}


def test_a_first_configuration_that_is_refused_leaves_the_one_that_was_there(
    keeping: Keeping, careless: Path
) -> None:
    keeping.server.start()

    keeping.sync(careless, BAD).run_once()

    assert keeping.server.configuration_file.read_text() == shipped_alertmanager_configuration()


def test_a_refusal_that_passes_is_asked_about_again(careless: Path, keeping: Keeping) -> None:
    # Its answer breaks off: that is a refusal too, and no fault of sync's own.
    refusal = Reply(500, {"Transfer-Encoding": "chunked", "Connection": "close"}, b"cut")
    answers: dict[str, Reply] = {"/-/reload": refusal}
    with fake_server(lambda asked: answers.get(asked.path, metrics(""))) as server:
        place = AlertmanagerPlace(keeping.files.path, server.url, careless)
        settings = read_notification_settings({}, REGISTRY)
        kept = AlertmanagerSync(settings, place, keeping.files, clock=lambda: keeping.now)
        kept.run_once()
        answers.clear()
        kept.run_once()
        assert [asked.path for asked in server.asked].count("/-/reload") == 1
        keeping.now += RETRY_SECONDS
        kept.run_once()

        assert [asked.path for asked in server.asked].count("/-/reload") == 2


def test_an_alertmanager_that_never_stops_talking_is_given_up_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alertmanager, "ANSWER_TIMEOUT_SECONDS", 0.3)
    dripping = Reply(200, {}, b"#", (b" ",) * 100, pause_seconds=0.1)
    began = time.monotonic()
    with fake_server(lambda _: dripping) as server, pytest.raises(NotificationTrouble):
        alertmanager.Alertmanager(server.url).loaded_hash()

    assert time.monotonic() - began < 2


def test_an_alertmanager_that_is_away_takes_it_when_it_is_back(
    keeping: Keeping, amtool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    kept = keeping.sync(amtool)
    kept.run_once()
    kept.run_once()
    (said,) = caplog.messages
    keeping.server.start()
    kept.run_once()

    assert "Alertmanager does not answer" in said
    assert caplog.messages[1:] == ["alerts reach email"]
    assert keeping.receivers() == {"registry", "email"}


def test_an_alertmanager_that_runs_with_something_else_is_reloaded(
    keeping: Keeping, amtool: Path
) -> None:
    keeping.server.start()
    kept = keeping.sync(amtool)
    kept.run_once()
    ours = keeping.files.content()
    assert ours
    # As after a restart with an older file, whatever put that there.
    keeping.server.configure(shipped_alertmanager_configuration())
    keeping.server.restart()
    keeping.files.replace(ours)
    assert keeping.receivers() == {"registry"}

    kept.run_once()
    assert keeping.receivers() == {"registry"}
    keeping.now += PROOF_SECONDS
    kept.run_once()

    assert keeping.receivers() == {"registry", "email"}


def test_an_alertmanager_with_another_file_is_told(
    keeping: Keeping, amtool: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keeping.server.start()
    with claimed_files(tmp_path / "elsewhere" / "alertmanager.yml") as files:
        keeping.files = files
        keeping.sync(amtool).run_once()

    (said,) = caplog.messages
    assert "check that its --config.file names this file" in said


def test_the_files_are_their_owners_alone_or_also_the_groups_where_their_folder_is_one(
    tmp_path: Path,
) -> None:
    modes = {0o700: 0o600, 0o2750: 0o640}
    for folder_mode, mode in modes.items():
        folder = tmp_path / oct(folder_mode)
        folder.mkdir()
        folder.chmod(folder_mode)
        with claimed_files(folder / "alertmanager.yml") as files:
            files.replace(Rendered("route: {}", "template"))
        for name in ("alertmanager.yml", "pulseguard.tmpl"):
            assert (folder / name).stat().st_mode & 0o777 == mode


def test_the_command_keeps_both_files_and_says_whom_alerts_reach(
    sync: SyncProcess, registry: FakeServer, server: AlertmanagerServer, amtool: Path
) -> None:
    server.start()
    mine = ["--alertmanager-config", str(server.configuration_file), "--alertmanager-url"]
    sync.settings["PULSEGUARD_EMAIL_TO"] = "ops@example.org"
    key = sync.key_file
    key.write_text("key")

    sync.start(registry.url, *mine, server.url, "--amtool", str(amtool), "--key-file", str(key))
    eventually(lambda: "alerts reach email" in sync.said())

    assert sync.targets()
    configuration = server.configuration_file.read_text()
    assert f"url: {registry.url}/api/v1/alerts/webhook" in configuration
    # The one that is there, and is read by sync itself.
    assert f"credentials_file: {key}\n" in configuration


def test_the_command_does_not_start_with_a_setting_that_cannot_be_meant(
    sync: SyncProcess, registry: FakeServer
) -> None:
    sync.settings["PULSEGUARD_NOTIFY_SEVERITY"] = "loud"

    sync.start(registry.url)

    assert sync.process
    assert sync.process.wait(10) == 2
    assert "PULSEGUARD_NOTIFY_SEVERITY 'loud': write critical" in sync.said()[0]
