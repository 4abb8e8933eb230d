"""All that a rule passes on its way: registry, sync, Prometheus, Alertmanager and who is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pulseguard_prometheus.configuration import (
    render_alertmanager_configuration,
    render_configuration,
    shipped_alertmanager_configuration,
    shipped_configuration,
)
from pulseguard_stack.programs import find_program
from tests.end_to_end.processes import Started
from tests.prometheus.agent_process import watched_agent
from tests.prometheus.alertmanager_server import AlertmanagerServer
from tests.prometheus.sinks import MailSink, WebSink, mail_sink, web_sink
from tests.prometheus.sync_process import SyncProcess
from tests.prometheus_server import PrometheusServer, eventually, free_port
from tests.registry.process import Answer, RegistryProcess
from tests.server_folder import server_folder

REPOSITORY = Path(__file__).parents[2]
GROUPS, RULES = "/api/v1/rule-groups", "/api/v1/alert-rules"
SECONDS_BETWEEN_EVALUATIONS = 0.5
# Less than a request may take in the tests.
WAIT = "9s"


class HastyPrometheus(PrometheusServer):
    """Tells Alertmanager of what fires so often that it soon knows of what is told no more."""

    @property
    def arguments(self) -> Sequence[str]:
        return [*super().arguments, "--rules.alert.resend-delay=1s"]


class RulesStack:
    """A registry and a Prometheus with its sync, all of which can be killed; more on demand."""

    def __init__(self, folder: Path, parts: ExitStack) -> None:
        self.folder = folder
        self._parts = parts
        self.registry = RegistryProcess(folder, None)
        parts.callback(lambda: self.registry.stop())
        self._wait_for_registry()
        self.admin = self.registry.admin_key()
        self.editor = self._key("editor")
        self._port = free_port()
        self._sync_arguments: list[str] = []
        self.alertmanager_address = "127.0.0.1:9"
        self.web: WebSink = parts.enter_context(web_sink())
        self.mail: MailSink = parts.enter_context(mail_sink())
        self.sync = SyncProcess(folder / "prometheus")
        self.sync.program = ("-m", "tests.end_to_end.hurried", "sync")
        self.sync.settings = {"PYTHONPATH": str(REPOSITORY)}
        parts.callback(self.sync.kill)
        self.sync.file.parent.mkdir(parents=True)
        self._place_key(self.sync.folder)

    @property
    def rules_folder(self) -> Path:
        """Where the users' rules lie beside Prometheus."""
        return self.sync.folder / "user-rules"

    def start_alertmanager(self) -> None:
        """With a webhook and a mailbox as receivers, which sync has it take; before the others."""
        folder = self.folder / "alertmanager"
        self._place_key(folder)
        shipped = render_alertmanager_configuration(
            shipped_alertmanager_configuration(),
            registry_address=self.registry.url.removeprefix("http://"),
        )
        server = self._parts.enter_context(AlertmanagerServer(folder, shipped))
        self.alertmanager_address = server.address
        (folder / "webhook").write_text(f"{self.web.url}/webhook\n")
        self.sync.settings |= {
            "PULSEGUARD_ALERT_WEBHOOK_FILE": str(folder / "webhook"),
            "PULSEGUARD_EMAIL_TO": "ops@example.org",
            "PULSEGUARD_EMAIL_SMARTHOST": self.mail.address,
        }
        self._sync_arguments += ["--alertmanager-config", str(server.configuration_file)]
        self._sync_arguments += ["--alertmanager-url", server.url]
        self._sync_arguments += ["--amtool", str(find_program("amtool"))]

    def start_prometheus(self) -> None:
        """With the users' rules alone, kept by sync."""
        configuration = render_configuration(
            shipped_configuration(),
            scrape_interval_seconds=SECONDS_BETWEEN_EVALUATIONS,
            registry_address=self.registry.url.removeprefix("http://"),
            alertmanager_address=self.alertmanager_address,
            prometheus_address=f"127.0.0.1:{self._port}",
        )
        self.prometheus: PrometheusServer = self._parts.enter_context(
            HastyPrometheus(self.sync.folder, configuration, port=self._port)
        )
        self.start_sync()

    def start_sync(self) -> None:
        """As it was started before, if it was."""
        arguments = {
            "--key-file": self.sync.folder / "secrets" / "prometheus.key",
            "--prometheus-url": self.prometheus.url,
            "--prometheus-name": "main",
            "--rules-dir": self.rules_folder,
            "--promtool": find_program("promtool"),
        }
        flags = [str(part) for pair in arguments.items() for part in pair]
        self.sync.start(self.registry.url, *flags, *self._sync_arguments)

    def start_registry(self) -> None:
        """Again, where it was, on its data."""
        port = int(self.registry.url.rpartition(":")[2])
        self.registry = RegistryProcess(self.folder, None, port)
        self._wait_for_registry()

    def start_agent(self, name: str, **settings: str) -> Started:
        """A watched agent."""
        key_file = self.folder / "agent.key"
        key_file.touch(0o600)
        key_file.write_text(self._key("agent", environment="production"))
        agent = watched_agent(name, self.folder, self.registry.url, key_file, **settings)
        return self._parts.enter_context(agent)

    def ask(
        self, method: str, path: str, body: object = None, tag: int | None = None, **query: str
    ) -> Answer:
        """What an editor is answered."""
        address = f"{path}?{urlencode(query)}" if query else path
        return self.registry.ask(method, address, body, self.editor, tag)

    # Any: JSON.
    def get(self, path: str, **query: str) -> Any:
        """The same, where there is an answer."""
        answer = self.ask("GET", path, None, None, **query)
        assert answer.status == 200, answer.body
        return answer.body

    # Any: see above.
    def write(
        self, method: str, path: str, body: object = None, tag: int | None = None, **query: str
    ) -> Any:
        """A change that is taken; what is answered once Prometheus has loaded or rejected it."""
        answer = self.ask(method, path, body, tag, wait=WAIT, **query)
        assert answer.status in (200, 201), answer.body
        return answer.body

    # Any: see above.
    def groups(self) -> dict[str, Any]:
        """All groups that the registry has, by name."""
        found: list[Any] = []
        cursor = ""
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = self.get(GROUPS, limit="100", **more)
            found += page["items"]
            if page["next_cursor"] is None:
                return {group["name"]: group for group in found}
            cursor = page["next_cursor"]

    def is_loaded(self) -> bool:
        """Whether Prometheus is told to have all groups as they are now."""
        told = self.get("/api/v1/sync")
        return [
            (each["version"], each["trouble"], each["pending"], each["rejected"])
            for each in told["prometheus"]
            if each["current"]
        ] == [(told["version"], "", 0, 0)]

    def _wait_for_registry(self) -> None:
        self.registry.wait_until_it_listens()
        eventually(self.registry.is_ready)

    def _place_key(self, folder: Path) -> None:
        secret = folder / "secrets" / "prometheus.key"
        secret.parent.mkdir(parents=True)
        secret.touch(0o600)
        secret.write_text(self._key("prometheus"))

    def _key(self, role: str, **bound: str) -> str:
        made = self.registry.post("/api/v1/keys", {"name": role, "role": role, **bound}, self.admin)
        return str(made.body["key"])


@contextmanager
def rules_stack() -> Iterator[RulesStack]:
    """A registry alone, in a folder that its PostgreSQL can reach; the rest is to be started."""
    with server_folder() as folder, ExitStack() as parts:
        yield RulesStack(folder, parts)
