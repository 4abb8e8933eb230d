"""The file .env is read as Compose reads it."""

from __future__ import annotations

import pytest

from pulseguard_stack.deployment.env_file import values


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=8000", "8000"),
        ("  export NAME = 8000  ", "8000"),
        ("NAME=", ""),
        ("NAME=''", ""),
        ("NAME='8000'", "8000"),
        ('NAME="8000"', "8000"),
        ('NAME="a \\"b\\" c"', 'a "b" c'),
        ("NAME='a # b'  # c", "a # b"),
        ("NAME=8000 # the registry's", "8000"),
        ("NAME= # none", ""),
        ("NAME=a#b", "a#b"),
        ("NAME=a=b", "a=b"),
    ],
)
def test_a_value_is_what_compose_makes_of_it(line, value):
    assert values(line) == {"NAME": value}


@pytest.mark.parametrize("line", ["", "# NAME=8000", "NAME", "NAME 8000", "8=9"])
def test_what_is_no_assignment_has_no_value(line):
    assert values(line) == {}


def test_of_two_lines_with_one_name_the_last_counts():
    assert values("NAME=1\r\nOTHER=2\r\nNAME=3\r\n") == {"NAME": "3", "OTHER": "2"}
