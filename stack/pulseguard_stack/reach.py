"""Which alerts reach nobody, by the receivers that there are."""

from collections.abc import Sequence
from typing import Final

# It is told of what is critical alone.
_OF_CRITICAL: Final = "pagerduty"


def unreached(receivers: Sequence[str]) -> str | None:
    """Answers which alerts reach nobody and the mend, None where all reach somebody.

    Receivers for people, by the names that `pulseguard sync` gives them; of others nobody knows
    what they are told of, so they count for everything.
    """
    general = [name for name in receivers if "/" not in name]
    if any(name != _OF_CRITICAL for name in general):
        return None
    of_teams = [name.split("/", 1) for name in receivers if "/" in name]
    teams = sorted({team for kind, team in of_teams if not general or kind != _OF_CRITICAL})
    what = "warnings" if general else "alerts"
    return f"{what} reach {_nobody_but(teams)}: name a receiver, such as PULSEGUARD_EMAIL_TO"


def _nobody_but(teams: Sequence[str]) -> str:
    if not teams:
        return "nobody"
    shown = ", ".join(team if team.isprintable() else "?" for team in teams)
    return f"nobody but the team{'s' if len(teams) > 1 else ''} {shown}"
