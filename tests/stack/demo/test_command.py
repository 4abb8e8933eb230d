"""The verb's settings: a bad one is one line and exit status 2."""

from __future__ import annotations

import pytest

from pulseguard_stack.demo.command import main
from pulseguard_stack.demo.settings import Settings


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "NAME"),
        (["nobody"], "nobody"),
        (["coder", "--pace", "slow"], "slow"),
        (["coder", "--pace", "-1"], "-1"),
        (["coder", "--pace", "nan"], "nan"),
        (["coder", "--burst", "0"], "0"),
        (["coder", "--seed", "x"], "x"),
        (["coder", "--model-server-url", "ftp://127.0.0.1"], "ftp://127.0.0.1"),
        (["coder", "--model-server-url", "http://127.0.0.1:port"], "port"),
    ],
)
def test_a_bad_setting_is_one_line(capsys, arguments, named):
    assert exit_status(arguments) == 2

    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.count("\n") == 1
    assert written.err.startswith("pulseguard demo-agent: ")
    assert named in written.err


def test_a_bad_address_in_the_environment_is_one_line(capsys, monkeypatch):
    monkeypatch.setenv("PULSEGUARD_MODEL_SERVER_URL", "model-server:8089")

    assert exit_status(["coder"]) == 2

    assert "'model-server:8089'" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["http://m:1", "http://m:1/", "http://m:1/v1", "http://m:1/v1/"])
def test_the_address_may_be_given_with_or_without_the_version(url):
    assert Settings(url).base_url == "http://m:1/v1"


def exit_status(arguments: list[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as ended:
        return int(str(ended.code))
