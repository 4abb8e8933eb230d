"""What a program's agent is called when nobody says."""

import pytest

from pulseguard.instrumentation import _MODULES
from pulseguard.running.name import name_of
from pulseguard.running.run import LIBRARIES


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("python agent.py", "agent"),
        ("/usr/bin/python3.12 -u -W error -X dev /srv/invoice-bot.py --fast", "invoice-bot"),
        ("python -m billing.worker", "worker"),
        ("python -m billing.__main__", "billing"),
        ("python -c pass", "python"),
        ("python3.12", "python3.12"),
        ("python -", "python"),
        ("./invoice.sh x", "invoice"),
        ("gunicorn agent:app", "gunicorn"),
        ("node agent.js", "node"),
        (".hidden", ".hidden"),
        ("python -u", "python"),
    ],
)
def test_an_agent_is_called_after_its_script_or_program(command: str, name: str) -> None:
    assert name_of(command.split()) == name


def test_every_library_that_can_be_measured_is_measured() -> None:
    assert set(LIBRARIES) == set(_MODULES)
