"""The web pages of the unpacked programs: there with all that they load, or said to be missing."""

import re
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from pulseguard_stack import programs
from pulseguard_stack.programs import find_program
from pulseguard_stack.relocation import alertmanager_has_page
from tests.started_program import eventually, free_port
from tests.test_programs import fake_apt, put_program, without_prometheus


def test_the_unpacked_prometheus_has_its_pages_and_all_that_they_load(tmp_path):
    environment = {"HOME": str(tmp_path), "PATH": without_prometheus(tmp_path)}
    program = find_program("prometheus", environment=environment)
    configuration = tmp_path / "prometheus.yml"
    configuration.write_text("{}")
    port = free_port()
    listen = f"--web.listen-address=127.0.0.1:{port}"
    files = [f"--config.file={configuration}", f"--storage.tsdb.path={tmp_path / 'data'}"]
    with subprocess.Popen([program, listen, *files], cwd="/", stderr=subprocess.DEVNULL) as running:
        try:
            url = f"http://127.0.0.1:{port}"
            eventually(lambda: page(f"{url}/-/ready")[0] == 200, timeout_seconds=30)
            asked = {path: page(f"{url}{path}") for path in ("/", "/classic/targets")}
            loaded = re.findall(r'(?:src|href)="(/classic/static/[^"?]+)', asked["/"][1])
            missing = [path for path in loaded if page(f"{url}{path}")[0] != 200]
        finally:
            running.terminate()

    assert {path: status for path, (status, _) in asked.items()} == dict.fromkeys(asked, 200)
    assert all("Prometheus" in text for _, text in asked.values())
    assert len(loaded) > 10
    assert missing == []


def page(url: str) -> tuple[int, str]:
    """Status and text, redirects followed; status 0 where nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as problem:
        return problem.code, ""
    except OSError:
        return 0, ""


def unpacked_prometheus(cache: programs.Cache, content: str) -> Path:
    """What a cache holds that was filled before the pages mattered."""
    program = put_program(cache.packages / "usr" / "bin", "prometheus", content)
    static = cache.packages / "usr" / "share" / "prometheus" / "web" / "static"
    static.mkdir(parents=True)
    (static / "jquery").symlink_to("../../../javascript/jquery")
    return program


def test_a_cache_of_before_gets_the_scripts_of_the_pages_once(tmp_path):
    unpack = '/bin/mkdir -p "$3/usr/share/javascript/jquery"; echo call >> ../calls'
    path = fake_apt(tmp_path, 'test "$*" = "${*%download*}" || : > package.deb')
    put_program(Path(path), "dpkg-deb", unpack)
    environment = {"HOME": str(tmp_path), "PATH": path}
    cache = programs.user_cache(environment)
    unpacked = unpacked_prometheus(cache, "echo /usr/share/prometheus/web/")

    found = [find_program("prometheus", environment=environment) for _ in range(2)]

    assert found == [unpacked.with_name("prometheus-with-pages")] * 2
    said = subprocess.run([found[0]], capture_output=True, text=True, check=True).stdout
    assert said == "usr/share/prometheus/web//\n", "relative to the folder of its packages"
    assert (cache.root / "calls").read_text() == "call\n"


def test_pages_that_cannot_be_had_are_one_line_and_the_program_runs(tmp_path, caplog):
    environment = {"HOME": str(tmp_path), "PATH": fake_apt(tmp_path, "echo no net; exit 100")}
    unpacked = unpacked_prometheus(programs.user_cache(environment), "looks elsewhere")

    assert find_program("prometheus", environment=environment) == unpacked
    without_scripts, elsewhere = caplog.messages
    assert "no net" in without_scripts
    assert "looks for its pages elsewhere" in elsewhere
    caplog.clear()
    assert find_program("prometheus", environment=environment) == unpacked
    assert len(caplog.messages) == 1, "the network is not asked each time"


@pytest.mark.parametrize(
    ("files", "has_page"), [([], True), (["no-ui/x"], False), (["no-ui/x", "ui/index.html"], True)]
)
def test_debians_alertmanager_is_known_to_have_no_page(tmp_path, files, has_page):
    program = put_program(tmp_path / "usr" / "bin", "alertmanager")
    for name in files:
        file = tmp_path / "usr" / "share" / "prometheus" / "alertmanager" / name
        file.parent.mkdir(parents=True)
        file.touch()

    assert alertmanager_has_page(program) is has_page
    assert alertmanager_has_page(Path("/alertmanager"))
