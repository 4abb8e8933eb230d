"""`make secrets` and `make urls`, in the folder of docker-compose.yml."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pulseguard_stack.deployment.making import make_secrets
from pulseguard_stack.deployment.mounted import make_readable
from pulseguard_stack.deployment.rotation import is_rotation, rotate_keys
from pulseguard_stack.deployment.urls import urls
from pulseguard_stack.errors import CheckoutUnusable, SecretsUnusable, SettingUnusable

CHECKOUT: Final = Path()
SECRETS: Final = Path("secrets")
ENV_FILE: Final = Path(".env")
INTERRUPTED: Final = 130
NOBODY_READS: Final = 141


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """0 where it was done; 1 where the secrets or the checkout cannot be used, 2 for a setting that
    does not hold.

    130 after Ctrl-C, 141 where nobody reads what is said.
    """
    verb = _verb(arguments)
    # The containers' users read what is made here, whatever this user's own files are.
    os.umask(0o022)
    try:
        _run(verb, environment)
    except (CheckoutUnusable, SecretsUnusable) as problem:
        return _refused(verb, str(problem), 1)
    except SettingUnusable as problem:
        return _refused(verb, str(problem), 2)
    except KeyboardInterrupt:
        return _refused(verb, f"interrupted; `make {verb}` does what is left", INTERRUPTED)
    except BrokenPipeError:
        # What is still in the buffer has to go somewhere when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS
    return 0


def _verb(arguments: Sequence[str]) -> str:
    parser = argparse.ArgumentParser(
        prog="python3 -m pulseguard_stack.deployment",
        description="What docker-compose.yml needs of this host; run beside it.",
    )
    parser.add_argument(
        "verb",
        choices=("secrets", "urls"),
        help="secrets: make what is missing below secrets/, and readable what containers mount; or"
        " with ROTATE=1 in the environment new API keys; urls: where the services are",
    )
    return str(parser.parse_args(arguments).verb)


def _run(verb: str, environment: Mapping[str, str]) -> None:
    if verb == "urls":
        _say(urls(ENV_FILE, environment, SECRETS))
    elif is_rotation(environment):
        rotate_keys(SECRETS, _say)
    else:
        make_readable(CHECKOUT, _say)
        make_secrets(SECRETS, _say)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _refused(verb: str, problem: str, status: int) -> int:
    for line in problem.splitlines():
        sys.stderr.write(f"make {verb}: {line}\n")
    return status
