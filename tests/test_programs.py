"""Programs of Prometheus: on PATH, else unpacked into the user's cache, without root."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pulseguard_stack import programs
from pulseguard_stack.errors import ProgramMissing
from pulseguard_stack.programs import find_program, main, program_version

SOURCE = Path(programs.__file__)
# An account without rights: its number needs no entry in /etc/passwd.
ORDINARY_USER = 65534
FAKE_UNPACK = """\
/bin/mkdir -p unpacked/usr/bin
: > unpacked/usr/bin/promtool
/bin/chmod +x unpacked/usr/bin/promtool"""
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def put_program(folder: Path, name: str, script: str = "exit 0") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def without_prometheus(folder: Path) -> str:
    """A PATH with every tool of this system but the programs of Prometheus."""
    ours = {name for names in programs.NAMES_ON_PATH.values() for name in names}
    tools = folder / "bin"
    tools.mkdir()
    for place in map(Path, SYSTEM_PATH.split(":")):
        for tool in place.iterdir() if place.is_dir() else []:
            if tool.name not in ours and not (tools / tool.name).is_symlink():
                (tools / tool.name).symlink_to(tool)
    return str(tools)


@pytest.fixture
def home() -> Iterator[Path]:
    """A private home with a space in its path, of an ordinary user where this one is root."""
    with tempfile.TemporaryDirectory(prefix="pulseguard home ") as folder:
        home = Path(folder)
        package = home / "pulseguard_stack"
        package.mkdir()
        for name in ("__init__", "debian_packages", "errors", "programs", "relocation"):
            shutil.copy(SOURCE.with_name(f"{name}.py"), package)
        if os.getuid() == 0:
            os.chown(home, ORDINARY_USER, ORDINARY_USER)
        yield home


def as_ordinary_user(home: Path, program: str) -> subprocess.Popen[str]:
    """The module alone, by whoever owns the home: it must not need an installation."""
    other = ORDINARY_USER if os.getuid() == 0 else None
    return subprocess.Popen(
        [
            shutil.which("python3", path=SYSTEM_PATH) or sys.executable,
            "-m",
            "pulseguard_stack.programs",
            program,
        ],
        cwd=home,
        env={"HOME": str(home), "PATH": str(home / "bin")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        user=other,
        group=other,
        extra_groups=None if other is None else [],
    )


def test_a_program_on_path_is_taken(tmp_path):
    put_program(tmp_path, "promtool")

    assert find_program("promtool", environment={"PATH": str(tmp_path)}) == tmp_path / "promtool"


def test_debians_alertmanager_on_path_is_taken_unless_there_is_another(tmp_path):
    debian = put_program(tmp_path, "prometheus-alertmanager")
    environment = {"PATH": str(tmp_path)}

    assert find_program("alertmanager", environment=environment) == debian
    original = put_program(tmp_path, "alertmanager")
    assert find_program("alertmanager", environment=environment) == original


def test_an_ordinary_user_gets_the_programs_even_twice_at_once(home):
    without_prometheus(home)
    asking = [as_ordinary_user(home, name) for name in ("promtool", "alertmanager")]
    answers = [process.communicate(timeout=120) for process in asking]

    assert [error for _, error in answers] == ["", ""]
    cache = home / ".cache" / "pulseguard" / "programs"
    (system,) = (path for path in cache.iterdir() if path.is_dir())
    assert [path.strip() for path, _ in answers] == [
        f"{system}/usr/bin/promtool",
        f"{system}/usr/bin/alertmanager",
    ]
    assert {path.name for path in cache.iterdir()} == {system.name, "lock"}
    for program in ("prometheus", "promtool", "alertmanager"):
        assert program_version(system / "usr" / "bin" / program) > (0, 20, 0)
    assert_reads_its_templates(system / "usr" / "bin" / "alertmanager", home)


def assert_reads_its_templates(alertmanager: Path, folder: Path) -> None:
    """Debian's looks for them in /usr/share, where nothing was installed, and ends without them."""
    configuration = folder / "alertmanager.yml"
    configuration.write_text("{route: {receiver: none}, receivers: [{name: none}]}")
    listen = ["--web.listen-address=127.0.0.1:0", "--cluster.listen-address="]
    files = [f"--config.file={configuration}", f"--storage.path={folder / 'data'}"]
    with subprocess.Popen(
        [alertmanager, *listen, *files], cwd="/", stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr
        said = ""
        for line in running.stderr:
            said += line
            if "Completed loading of configuration file" in line:
                break
        running.terminate()

    assert "Completed loading of configuration file" in said, said


def test_what_was_unpacked_is_not_fetched_again(tmp_path):
    environment = {"HOME": str(tmp_path), "PATH": str(tmp_path)}
    cache = programs.user_cache(environment)
    unpacked = put_program(cache.packages / "usr" / "bin", "prometheus")

    assert find_program("prometheus", environment=environment) == unpacked


def test_two_at_once_share_one_fetch(tmp_path):
    calls = tmp_path / "calls"
    path = fake_apt(tmp_path, f"echo call >> '{calls}'; /bin/sleep 0.2; : > package.deb")
    put_program(Path(path), "dpkg-deb", FAKE_UNPACK)
    environment = {"HOME": str(tmp_path), "PATH": path}

    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(find_program, "promtool", environment=environment) for _ in range(2)]

    assert len({each.result() for each in asked}) == 1
    assert calls.read_text() == "call\n" * 2, "one update and one download"


def fake_apt(folder: Path, script: str) -> str:
    """A PATH with an apt-get that does just this."""
    put_program(folder / "bin", "dpkg-deb")
    return str(put_program(folder / "bin", "apt-get", script).parent)


def test_a_fetch_that_was_killed_leaves_nothing_behind(tmp_path):
    environment = {"HOME": str(tmp_path), "PATH": fake_apt(tmp_path, "exit 100")}
    cache = programs.user_cache(environment)
    (cache.root / "fetch-killed" / "unpacked").mkdir(parents=True)

    with pytest.raises(ProgramMissing):
        find_program("prometheus", environment=environment)

    assert {path.name for path in cache.root.iterdir()} == {"lock"}


def test_what_apt_says_is_in_the_sentence(tmp_path):
    path = fake_apt(tmp_path, "echo 'E: Unable to locate package prometheus'; exit 100")

    with pytest.raises(ProgramMissing) as missing:
        find_program("promtool", environment={"HOME": str(tmp_path), "PATH": path})

    assert str(missing.value) == (
        "promtool is missing: apt-get could not fetch it (E: Unable to locate package prometheus); "
        "install Prometheus (https://prometheus.io/download) and put its programs on PATH."
    )


def test_a_system_without_apt_is_told_what_to_install(tmp_path):
    status = subprocess.run(
        [sys.executable, "-m", "pulseguard_stack.programs", "alertmanager"],
        env={"HOME": str(tmp_path), "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert status.returncode == 1
    assert status.stdout == ""
    assert status.stderr == (
        "alertmanager is missing: it is not on PATH and this system has no apt-get; "
        "install Alertmanager (https://prometheus.io/download) and put its programs on PATH.\n"
    )


def test_a_cache_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / ".cache").write_text("not a folder")

    with pytest.raises(ProgramMissing, match="cannot be written"):
        find_program("promtool", environment={"HOME": str(tmp_path), "PATH": str(tmp_path)})


def test_the_cache_is_where_the_user_wants_it():
    home = {"HOME": "/home/user"}

    assert programs.user_cache(home).root == Path("/home/user/.cache/pulseguard/programs")
    for named, base in [("/caches", "/caches"), ("relative", "/home/user/.cache")]:
        root = programs.user_cache(home | {"XDG_CACHE_HOME": named}).root
        assert root == Path(base) / "pulseguard" / "programs"


@pytest.mark.parametrize("stream", ["1", "2"])
def test_the_version_is_read_from_either_stream(tmp_path, stream):
    said = f"echo 'prometheus, version 2.42.0+ds (branch: debian/sid)' >&{stream}"

    assert program_version(put_program(tmp_path, "prometheus", said)) == (2, 42, 0)


def test_what_is_no_program_of_prometheus_has_no_version(tmp_path):
    with pytest.raises(ProgramMissing, match="does not say its version"):
        program_version(put_program(tmp_path, "prometheus", "echo hello"))


def test_an_unknown_program_is_a_usage_error(capsys):
    assert main(["grafana"]) == 2
    assert "prometheus,promtool,alertmanager" in capsys.readouterr().err
