"""Secrets that cannot be used are a line each, with the mend, and nothing is written."""

from __future__ import annotations

import os

import pytest

from pulseguard_registry.access.tokens import make_token
from tests.stack.deployment.host import Host, give_away


def refusal_of_ordinary_user(host: Host) -> str:
    """The one line that it says."""
    process = host.start_as_ordinary_user("secrets")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1, errors
    (line,) = errors.splitlines()
    return line


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("postgres/postgres.password", "", "is empty"),
        ("postgres/postgres.password", "two words\n", "holds a space or a line break"),
        ("postgres/postgres.password", "hush\r\n", "holds a space or a line break"),
        ("registry/database.url", "\n", "is empty"),
        ("registry/database.url", "hush", "holds no URL postgresql://user:password@host"),
        ("registry/database.url", "postgresql://me:hu[sh@db/x", "holds no URL postgresql://"),
        ("registry/pepper", "hush", "holds fewer than 32 characters"),
        ("registry/pepper", "hush" * 20, "holds fewer than 32 characters, or hardly random ones"),
        ("registry/admin.key", "", "is empty"),
        (
            "registry/admin.key",
            make_token("admin")[:-1],
            "no well-formed API key of the role admin",
        ),
        ("registry/agents.key", make_token("admin"), "no well-formed API key of the role agent"),
        ("grafana/admin.password", "hu$sh", "holds a $, which Grafana takes for a variable"),
        ("grafana/secret.key", "", "is empty"),
    ],
    # Processes that share the tests call each by the same name.
    ids=lambda text: "<key>" if text.startswith("pg_") else text,
)
def test_a_secret_that_is_none_is_named_with_the_mend_and_nothing_is_touched(host, path, text, why):
    host.write(path, text)
    (host.secrets / "demo-agents" / "demo.key").unlink()
    before = host.held()

    (line,) = host.refusal("secrets")

    assert line.startswith(f"make secrets: secrets/{path} ")
    assert why in line
    assert "remove it to have another made, and run `make secrets` again" in line
    assert host.held() == before
    if text.strip():
        assert text.strip() not in line


def test_all_that_is_wrong_is_said_at_once(host):
    host.write("registry/admin.key", "pg_admin_short")
    host.write("grafana/secret.key", "")

    lines = host.refusal("secrets")

    assert [line.split()[2] for line in lines] == [
        "secrets/grafana/secret.key",
        "secrets/registry/admin.key",
    ]


def test_no_key_is_replaced_beside_a_secret_that_is_none(host):
    host.write("grafana/secret.key", "")
    before = host.held()

    (line,) = host.refusal("secrets", "ROTATE=1")

    assert "secrets/grafana/secret.key is empty" in line
    assert host.held() == before


def test_bytes_that_are_no_text_are_no_secret(host):
    (host.secrets / "registry" / "admin.key").unlink()
    (host.secrets / "registry" / "admin.key").write_bytes(b"\xff\xfe\x00")

    (line,) = host.refusal("secrets")

    assert "secrets/registry/admin.key holds no well-formed API key" in line


def test_a_folder_in_the_place_of_a_file_is_told_from_where_it_comes(fresh):
    (fresh.secrets / "registry" / "admin.key").mkdir()

    (line,) = fresh.refusal("secrets")

    assert "secrets/registry/admin.key is a folder where a file has to be, as Docker makes" in line
    assert "sudo rmdir secrets/registry/admin.key" in line
    assert fresh.held() == {}


def test_a_pipe_in_the_place_of_a_file_holds_nothing_up(fresh):
    os.mkfifo(fresh.secrets / "registry" / "pepper")

    (line,) = fresh.refusal("secrets")

    assert "secrets/registry/pepper is no file; move it away" in line


def test_a_file_in_the_place_of_a_folder_is_named(fresh):
    (fresh.secrets / "grafana" / ".gitkeep").unlink()
    (fresh.secrets / "grafana").rmdir()
    (fresh.secrets / "grafana").write_text("in the way")

    (line,) = fresh.refusal("secrets")

    assert "secrets/grafana cannot be used (File exists); there has to be a folder" in line


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_a_folder_that_root_made_is_named_with_its_owner_and_the_mend(fresh):
    give_away(fresh.secrets, *fresh.secrets.iterdir())
    os.chown(fresh.secrets / "registry", 0, 0)
    (fresh.secrets / "registry").chmod(0o755)

    line = refusal_of_ordinary_user(fresh)

    assert "secrets/registry/database.url cannot be used (Permission denied" in line
    assert "secrets/registry is root's" in line
    assert 'sudo chown -R "$(id -u):$(id -g)" secrets' in line


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_a_whole_folder_of_roots_is_named_with_the_mend(host):
    line = refusal_of_ordinary_user(host)

    assert line.startswith("make secrets: secrets cannot be used (Permission denied")
    assert "secrets is root's" in line


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_a_file_that_cannot_be_read_is_named_with_its_owner(host):
    give_away(host.secrets, *host.secrets.iterdir())
    (host.secrets / "registry" / "pepper").chmod(0o400)

    line = refusal_of_ordinary_user(host)

    assert "secrets/registry/pepper cannot be used (Operation not permitted" in line
    assert "secrets/registry/pepper is root's" in line


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_secrets_that_root_made_serve_another_user_who_has_the_folder(host):
    give_away(host.secrets, *(path for path in host.secrets.iterdir() if path.is_dir()))
    before = host.held()
    host.write("prometheus/prometheus.key", "another\n")
    (host.secrets / "prometheus" / "prometheus.key").chmod(0o444)

    process = host.start_as_ordinary_user("secrets")

    said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "put right prometheus.key" in said
    assert host.held() == before


def test_what_the_system_does_not_write_whole_is_said_and_not_there(host):
    before = host.held()
    full = "import resource, signal, sys; from pulseguard_stack.deployment.command import main;"
    full += "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
    full += "resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20)); sys.exit(main(['secrets'], {}))"
    (host.secrets / "registry" / "admin.key").unlink()
    del before["registry/admin.key"]

    process = host.start_python("-c", full)

    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "secrets/registry/admin.key cannot be used (File too large)" in errors
    assert {path: host.held().get(path) for path in before} == before
    assert "registry/admin.key" not in host.held()


def test_a_reader_who_has_gone_is_no_fault(host):
    reading, writing = os.pipe()
    os.close(reading)

    process = host.start_python("-m", "pulseguard_stack.deployment", "urls", stdout=writing)

    os.close(writing)
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 141
