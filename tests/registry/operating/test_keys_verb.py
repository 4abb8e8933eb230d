"""`pulseguard keys`, and how every verb finds its registry."""

from __future__ import annotations

import json
import re
import shlex
import threading
from collections.abc import Mapping
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from pulseguard.reporting.keys import own_key_path
from pulseguard_registry.access.tokens import make_token
from tests.exporters.examining import Verdict, doctor
from tests.exporters.json_handler import JsonHandler
from tests.registry.events import ahead
from tests.registry.operating.conftest import Run
from tests.registry.process import RegistryProcess, registry_process
from tests.registry.running import PEPPER, eventually, holds_after_a_second, registration


class RegistryThatGoes(JsonHandler):
    """Makes a key, and has lost its database afterwards."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_json(201, {"id": "0f8c", "key": "pg_viewer_x"})

    def do_DELETE(self) -> None:
        self.send_json(503, {"detail": "the database is away"})


def test_a_key_is_made_used_shown_and_revoked(
    run: Run, served: RegistryProcess, settings: Mapping[str, str], tmp_path: Path
):
    file = tmp_path / "reader.key"
    made = run(
        "keys",
        "create",
        "the readers",
        "--role",
        "viewer",
        "--out",
        str(file),
        "--json",
        **settings,
    ).json()
    key = file.read_text().strip()

    assert file.stat().st_mode & 0o777 == 0o600
    assert "key" not in made
    assert served.get("/api/v1/agents", key).status == 200
    shown = run("keys", "list", **settings).out
    assert "the readers" in shown
    assert made["id"] in shown
    assert key not in shown

    assert run("keys", "revoke", made["id"], **settings).status == 0
    holds_after_a_second(lambda: served.get("/api/v1/agents", key).status == 401)
    assert "revoked" in run("keys", "list", **settings).out


def test_own_keys_of_agents_are_listed_where_asked_for_with_the_key_that_enrolled_them(
    run: Run, served: RegistryProcess, settings: Mapping[str, str]
):
    bound = ("--role", "enrolment", "--environment", "production", "--expires-at", ahead(hours=1))
    made = run("keys", "create", "web servers", *bound, "--json", **settings).json()
    agent = served.post("/api/v1/agents", registration("enrolled"), made["key"]).body

    (key,) = run("keys", "list", "--own", "--json", **settings).json()
    whole = (agent["id"], made["id"], key["id"])
    assert (key["enrolled_by"], key["agent_id"]) == (made["id"], agent["id"])
    plain, own = (run("keys", "list", *flag, **settings).out for flag in ((), ("--own",)))
    assert ("web servers" in plain, "enrolled (" in plain) == (True, False)
    (line,) = [each for each in own.splitlines() if "enrolled (web-1-0)" in each]
    assert made["id"] in line
    assert agent["id"] in line
    assert "web servers" not in own
    for columns, ids in ((80, (key["id"],)), (100, (made["id"], key["id"])), (160, whole)):
        narrow = run("keys", "list", "--own", COLUMNS=str(columns), **settings).out.splitlines()
        (line,) = [each for each in narrow if each.startswith("enrolled (web-1-0)")]
        assert len(line) <= columns
        assert [each for each in line.split() if len(each) == 36] == [*ids]
    revoked, again = (run("keys", "revoke", made["id"], **settings).out for _ in range(2))
    assert "and with it the own key of 1 agent that it enrolled" in revoked
    assert again == f"the key {made['id']} is revoked\n"


def test_a_key_that_a_file_gives_is_listed_with_the_file(
    run: Run, database_url: str, tmp_path: Path
):
    file = tmp_path / "admin.key"
    file.write_text(make_token("admin"))
    given = {"pepper": PEPPER, "given_keys": f"admin={file}"}
    with registry_process(tmp_path, database_url, **given) as one:
        eventually(one.is_ready)
        asked = {"PULSEGUARD_REGISTRY_URL": one.url, "PULSEGUARD_KEY_FILE": str(file)}
        _, line = run("keys", "list", **asked).out.splitlines()

    assert re.split("  +", line)[:2] == ["admin.key", "admin"]
    assert str(file) in line


def test_what_the_registry_refuses_is_one_line_with_field_and_mend(
    run: Run, settings: Mapping[str, str]
):
    done = run("keys", "create", "bots", "--role", "agent", **settings)

    assert done.status == 1
    assert done.out == ""
    assert "needs an environment; name the one it speaks for" in done.err
    assert done.err.count("\n") == 1


def test_a_key_is_not_made_where_it_cannot_be_written(
    run: Run, settings: Mapping[str, str], tmp_path: Path
):
    there, nowhere = tmp_path / "there.key", tmp_path / "link.key"
    there.write_text("a key that somebody needs")
    nowhere.symlink_to(tmp_path / "nothing")
    for out, why in (
        (tmp_path / "no" / "key", f"there is no folder {tmp_path}/no; make it"),
        (tmp_path, "is a folder; name another file with --out"),
        (there, "exists already, and is not replaced; name another file with --out, or remove it"),
        (nowhere, "exists already"),
    ):
        asked = ["keys", "create", "lost", "--role", "viewer", "--out", str(out)]
        assert why in run(*asked, **settings).err

    assert there.read_text() == "a key that somebody needs"
    assert "lost" not in run("keys", "list", **settings).out


def test_a_key_that_could_not_be_written_after_all_is_ended(
    run: Run, settings: Mapping[str, str], tmp_path: Path
):
    too_long = tmp_path / ("k" * 255)  # with what stands before and behind it while it is written
    done = run("keys", "create", "unseen", "--role", "viewer", "--out", str(too_long), **settings)

    assert (done.status, done.err.count("\n")) == (1, 1)
    assert "cannot be written" in done.err
    (line,) = [
        each for each in run("keys", "list", **settings).out.splitlines() if "unseen" in each
    ]
    assert "revoked" in line
    assert list(tmp_path.iterdir()) == []


def test_how_to_end_a_key_that_is_in_no_file_is_said_where_the_registry_has_gone(
    run: Run, tmp_path: Path
):
    key_file, out = tmp_path / "admin.key", tmp_path / ("k" * 255)
    key_file.write_text("pg_admin_x")
    with ThreadingHTTPServer(("127.0.0.1", 0), RegistryThatGoes) as going:
        threading.Thread(target=going.serve_forever, args=(0.02,)).start()
        url = f"http://127.0.0.1:{going.server_port}"
        named = ("--registry-url", url, "--key-file", str(key_file), "--out", str(out))
        done = run("keys", "create", "unseen", "--role", "viewer", *named)
        going.shutdown()

    assert (done.status, done.out, done.err.count("\n")) == (1, "", 1)
    assert "cannot be written (File name too long)" in done.err
    assert "(503): the database is away" in done.err
    assert done.err.endswith("end it with pulseguard keys revoke 0f8c\n")


def test_the_admin_key_of_this_machine_is_sent_to_no_other(run: Run, settings: Mapping[str, str]):
    elsewhere = {**settings, "PULSEGUARD_REGISTRY_URL": "http://192.0.2.1:8000"}

    assert "--key-file" in run("keys", "list", **elsewhere).err


def test_the_stack_of_the_data_folder_is_asked_and_no_other(
    run: Run, served: RegistryProcess, tmp_path: Path
):
    here, state = served.data_dir, tmp_path / "state"
    for left, url in (
        (here / "stack" / "run.json", served.url),
        (state / "pulseguard" / "agent.json", "http://127.0.0.1:9"),
    ):
        left.parent.mkdir(parents=True, exist_ok=True)
        left.write_text(json.dumps({"registry_url": url}))
    folder = {"PULSEGUARD_DATA_DIR": str(here), "XDG_STATE_HOME": str(state)}
    empty = {**folder, "PULSEGUARD_DATA_DIR": str(tmp_path), "PULSEGUARD_PORT": "9"}
    key = tmp_path / "secrets" / "admin.key"
    key.parent.mkdir()

    assert "first admin" in run("keys", "list", **folder).out
    without_key = run("keys", "list", **empty)
    key.write_text("pg_admin_of_another_registry")
    away = run("keys", "list", **empty)
    refused = run("keys", "list", "--key-file", str(key), **folder)

    for done in (without_key, away):
        assert f"no `make up` of PULSEGUARD_DATA_DIR={tmp_path} runs" in done.err
        assert all(said in done.err for said in ("http://127.0.0.1:9", f"the key file {key}"))
    assert f"{served.url} (of {here}/stack/run.json) refuses the key file {key}" in refused.err


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:9", "does not answer"),
        ("ftp://127.0.0.1", "is no address"),
        ("http://me:secret@127.0.0.1", "is no address"),
    ],
)
def test_a_registry_that_cannot_be_asked_is_named(
    run: Run, settings: Mapping[str, str], url: str, said: str
):
    done = run("keys", "list", **{**settings, "PULSEGUARD_REGISTRY_URL": url})

    assert done.status == 1
    assert said in done.err


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        ("pg_agent_" + "0" * 43, "answers 401"),
        ("pg_enrolment_" + "0" * 43, "to the key of role enrolment the registry answers 401"),
    ],
)
def test_the_command_by_which_the_doctor_mends_a_key_is_whole(
    run: Run,
    settings: Mapping[str, str],
    served: RegistryProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ended: str,
    said: str,
):
    monkeypatch.chdir(tmp_path)
    name, found, mend = examined(served, PULSEGUARD_KEY=ended)

    program, *arguments = shlex.split(re.findall("`(.+?)`", mend)[0])
    done = run(*arguments, PULSEGUARD_DATA_DIR=settings["PULSEGUARD_DATA_DIR"])

    assert (name, said in found) == ("key", True)
    assert (program, done.status) == ("pulseguard", 0), done.err
    (made,) = tmp_path.iterdir()
    after, found, _ = examined(served, PULSEGUARD_KEY_FILE=str(made))
    assert "answers 401" not in found
    assert (after == "key") is (made.name == "enrolment.key"), found


def test_an_own_key_that_was_revoked_is_told_with_what_the_agent_will_do(
    run: Run, settings: Mapping[str, str], served: RegistryProcess, tmp_path: Path
):
    making = ("keys", "create", "new", "--role", "enrolment", "--expires-at", ahead(hours=1))
    enrolling = run(*making, "--environment", "night's watch", **settings).out.strip()
    said = registration("crow", instance="a", environment="night's watch")
    agent = served.post("/api/v1/agents", said, enrolling).body
    kept = own_key_path(tmp_path, served.url, agent["id"])
    kept.write_text(agent["key"])
    keys = run("keys", "list", "--own", "--json", **settings).json()
    (own,) = (key["id"] for key in keys if key["agent_id"] == agent["id"])
    run("keys", "revoke", own, **settings)

    flags = ("--name", "crow", "--instance", "a", "--environment", "night's watch")
    asked = {"PULSEGUARD_KEY": enrolling, "PULSEGUARD_KEY_FOLDER": str(tmp_path)}
    eventually(lambda: '"broken": "key"' in doctor_of(served, *flags, **asked).output)
    _, found, mend = doctor_of(served, *flags, **asked).broken_link()

    assert str(kept) in found
    assert "The key of role enrolment that is set is accepted" in found
    assert "enrolled again as soon as it has been silent" in mend


def examined(served: RegistryProcess, **key: str) -> tuple[str, str, str]:
    """The broken link of an agent that is nowhere."""
    return doctor_of(served, "--name", "nobody", **key).broken_link()


def doctor_of(served: RegistryProcess, *flags: str, **environment: str) -> Verdict:
    """The doctor beside this registry."""
    return doctor("--json", *flags, PULSEGUARD_REGISTRY_URL=served.url, **environment)
