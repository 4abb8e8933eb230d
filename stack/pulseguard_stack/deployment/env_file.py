"""The file .env beside docker-compose.yml, in the simple syntax that Compose reads."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pulseguard_stack.errors import SettingUnusable

_ASSIGNMENT: Final = re.compile(
    r"""\s*(?:export\s+)?(?P<name>[A-Za-z_]\w*)\s*=\s*
    (?: '(?P<literal>[^']*)' | "(?P<quoted>(?:[^"\\]|\\.)*)" | (?P<bare>.*?) )
    \s*(?:(?<!\S)\#.*)?""",
    re.VERBOSE,
)


def read_env_file(path: Path) -> dict[str, str]:
    """The values of its lines NAME=VALUE, the last of each name; none where there is no file.

    What else is in it is Compose's to refuse. SettingUnusable where it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingUnusable(
            f"{path} cannot be read ({reason}); make it a file of text that this user may read"
        ) from None
    return values(text)


def values(text: str) -> dict[str, str]:
    """The values of a text of such lines."""
    found = map(_ASSIGNMENT.fullmatch, text.splitlines())
    return {match["name"]: _value(match.groupdict()) for match in found if match}


def _value(parts: Mapping[str, str | None]) -> str:
    quoted = parts["quoted"]
    if quoted is not None:
        return re.sub(r"\\(.)", r"\1", quoted)
    return parts["literal"] or parts["bare"] or ""
