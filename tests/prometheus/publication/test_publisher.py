"""When what was rejected is tried again."""

from pathlib import Path

from pulseguard_prometheus.publication.bundle import BundledGroup
from pulseguard_prometheus.publication.check import FileCheck
from pulseguard_prometheus.publication.folder import claimed_rules_folder
from pulseguard_prometheus.publication.prometheus import Prometheus
from pulseguard_prometheus.publication.promtool import Promtool
from pulseguard_prometheus.publication.publisher import RETRY_SECONDS, Publisher
from pulseguard_prometheus.publication.stamp import stamped
from tests.prometheus.fakes import JSON, Reply, fake_server
from tests.prometheus.publication.conftest import address
from tests.prometheus.publication.rules_registry import constant, id_of

GROUP = BundledGroup(id_of("group"), "group", 1, constant("group"))
# Hangs until there is a file of this name.
HANGS = "#!/bin/sh\n[ -e {} ] || exec sleep 60\n"


def test_a_check_that_took_too_long_is_made_again_after_a_while(tmp_path: Path) -> None:
    program, quick = tmp_path / "promtool", tmp_path / "quick"
    program.write_text(HANGS.format(quick), "utf-8")
    program.chmod(0o755)
    now = 0.0
    wanted = {GROUP.file: stamped(GROUP)}
    with (
        fake_server(lambda _: Reply(200, JSON, b"{}")) as server,
        claimed_rules_folder(tmp_path / "user-rules") as folder,
    ):
        prometheus = Prometheus(address(server.url))
        promtool = Promtool(program, folder.candidates, timeout_seconds=0.2)
        check = FileCheck(promtool, prometheus)
        publisher = Publisher(folder, check, prometheus, clock=lambda: now)
        for seconds in (0.0, RETRY_SECONDS - 1):
            now = seconds
            publisher.publish(wanted)
            assert "within 0.2 s" in publisher.rejected[GROUP.file].rejection.reason
            assert folder.files() == {}
            quick.touch()
        now = RETRY_SECONDS + 1
        publisher.publish(wanted)

        assert publisher.rejected == {}
        assert folder.files() == wanted
        prometheus.close()
