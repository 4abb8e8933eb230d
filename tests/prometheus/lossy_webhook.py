"""Between Alertmanager and the registry: deliveries get lost on the way there or back."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

# The registry stores it, but its answer is lost; it is in trouble and stores nothing; or it is not
# handed on, nor answered for a while.
Fate = Literal["answer lost", "registry in trouble", "hang"]


class LossyWebhook:
    """Hands deliveries on to a registry, the first of them with the given fates.

    `deliveries` are the statuses of the alerts in each. Of `each_alert`, these are the fates of the
    first deliveries that begin or end it; `hang_seconds` is how long a delivery hangs.
    """

    def __init__(self, registry_url: str, fates: Sequence[Fate] = ()) -> None:
        self._registry_url = registry_url
        self._fates = list(fates)
        self.each_alert: Sequence[Fate] = ()
        self.hang_seconds = 1.0
        self._met: dict[tuple[str, str], Iterator[Fate]] = {}
        self.deliveries: list[list[str]] = []
        self.address = ""

    def deliver(self, path: str, key: str, body: bytes) -> int | None:
        """Answers the status for Alertmanager, None where the answer is lost."""
        alerts = json.loads(body)["alerts"]
        self.deliveries.append([alert["status"] for alert in alerts])
        fate = self._fates.pop(0) if self._fates else self._fate_of(alerts[0])
        if fate == "registry in trouble":
            return 503
        if fate == "hang":
            threading.Event().wait(self.hang_seconds)
            return None
        status = self._hand_on(path, key, body)
        return None if fate == "answer lost" else status

    def _fate_of(self, alert: dict[str, str]) -> Fate | None:
        if not self.each_alert:
            return None
        key = (alert["fingerprint"], alert["status"])
        return next(self._met.setdefault(key, iter(self.each_alert)), None)

    def _hand_on(self, path: str, key: str, body: bytes) -> int | None:
        request = urllib.request.Request(self._registry_url + path, body)
        request.add_header("Content-Type", "application/json")
        request.add_header("Authorization", key)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None  # it is not there, or was killed meanwhile


@contextmanager
def lossy_webhook(registry_url: str, fates: Sequence[Fate] = ()) -> Iterator[LossyWebhook]:
    """A webhook that listens, on `address`."""
    webhook = LossyWebhook(registry_url, fates)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(webhook))
    server.daemon_threads = True
    webhook.address = f"127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    try:
        yield webhook
    finally:
        server.shutdown()
        server.server_close()


def _handler(webhook: LossyWebhook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = webhook.deliver(self.path, self.headers.get("Authorization", ""), body)
            if status is not None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: the test reads `deliveries`."""

    return Handler
