"""The programs that have to be there before anything is started, told where they are not."""

from collections.abc import Mapping, Sequence

from pulseguard_prometheus.errors import BadSetting, NotificationTrouble
from pulseguard_prometheus.notification.receivers import read_receivers
from pulseguard_prometheus.notification.settings import read_notification_settings
from pulseguard_stack.errors import CannotStart
from pulseguard_stack.programs import find_program, program_version
from pulseguard_stack.relocation import alertmanager_has_page
from pulseguard_stack.runner.plan import Programs

OLDEST_PROMETHEUS = (2, 42, 0)


def find_programs() -> Programs:
    """Answers the programs of Prometheus; fetches them where that is needed and possible.

    Raises ProgramMissing, or CannotStart for a Prometheus that cannot read our configuration.
    """
    prometheus, alertmanager = find_program("prometheus"), find_program("alertmanager")
    promtool = find_program("promtool")
    has_page = alertmanager_has_page(alertmanager)
    programs = Programs(
        prometheus,
        alertmanager,
        promtool,
        alertmanager_has_page=has_page,
        amtool=find_program("amtool"),
    )
    version = program_version(programs.prometheus)
    if version < OLDEST_PROMETHEUS:
        raise CannotStart(
            f"{programs.prometheus} is version {_dotted(version)}, and"
            f" {_dotted(OLDEST_PROMETHEUS)} or later is needed: install a newer one, or take this"
            " one off PATH where the system's package is newer"
        )
    return programs


def require_receivers(environment: Mapping[str, str]) -> Sequence[str]:
    """Answers the names of the receivers that people will be told by.

    Raises CannotStart, with setting and mend, where what is set cannot be used.
    """
    try:
        settings = read_notification_settings(environment, "http://127.0.0.1:8000")
        return [receiver.name for receiver in read_receivers(settings).people]
    except (BadSetting, NotificationTrouble) as problem:
        raise CannotStart(str(problem)) from problem


def _dotted(version: tuple[int, int, int]) -> str:
    return ".".join(str(part) for part in version)
