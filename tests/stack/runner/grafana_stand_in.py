"""A stand-in for Grafana's program, where Grafana itself is not to be had: it shows nothing.

It takes the command line and the variables of Grafana 11 to 13, refuses what those refuse, and
answers what they answer at /api/health, to the administrator about its data sources, and to all
about its dashboards and which of them is home. It is stricter than Grafana, which takes a variable
of provisioning that is not set as empty, and says in its log only that it cannot read a dashboard.
Standard library and PyYAML only, so that it runs in a container as well.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn

import yaml

VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


def refuse(reason: str) -> NoReturn:
    sys.stderr.write(f"stand-in for Grafana: {reason}\n")
    raise SystemExit(1)


def setting(name: str, default: str) -> str:
    """A setting by its variable; an empty one is none, and `$__file{}` is the file's content."""
    value = os.environ.get(name) or default
    named = re.fullmatch(r"\$__file\{(.+)\}", value)
    if not named:
        return value
    try:
        return Path(named[1]).read_text(encoding="utf-8").strip()
    except OSError as problem:
        refuse(f"{name}: {problem}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="grafana", allow_abbrev=False)
    server = parser.add_subparsers(required=True).add_parser("server", allow_abbrev=False)
    for flag in ("homepath", "config", "pidfile", "packaging", "configOverrides"):
        server.add_argument(f"--{flag}", default="")
    server.add_argument("overrides", nargs="*")
    return parser.parse_args()


def expanded(value: Any) -> Any:  # Any: YAML
    """What provisioning says, its variables replaced."""
    if isinstance(value, dict):
        return {name: expanded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [expanded(each) for each in value]
    return VARIABLE.sub(variable, value) if isinstance(value, str) else value


def variable(found: re.Match[str]) -> str:
    name = found[1] or found[2]
    return os.environ.get(name) or refuse(f"provisioning: ${name} is not set")


def provisioned(folder: Path, kind: str) -> list[dict[str, Any]]:
    try:
        documents = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in folder.iterdir()]
    except (OSError, yaml.YAMLError) as problem:
        refuse(f"provisioning: {problem}")
    return [expanded(each) for document in documents for each in document[kind]]


def dashboard(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as problem:
        refuse(f"dashboard {file}: {problem}")


def dashboards(provisioning: Path) -> list[dict[str, Any]]:
    """Of each that the providers find, what a search tells."""
    found = [
        (provider["folder"], dashboard(file))
        for provider in provisioned(provisioning / "dashboards", "providers")
        for file in sorted(Path(provider["options"]["path"]).iterdir())
    ]
    return [
        {"uid": each["uid"], "title": each["title"], "folderTitle": folder, "type": "dash-db"}
        for folder, each in found
    ]


def handler(
    to_all: dict[str, Any], sources: list[dict[str, Any]], password: str
) -> type[BaseHTTPRequestHandler]:
    """`to_all` has the answers that everybody is given, by their paths."""
    wanted = "Basic " + base64.b64encode(f"admin:{password}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path in to_all:
                self.answer(200, to_all[self.path])
            elif self.path != "/api/datasources":
                self.answer(404, {"message": "Not found"})
            elif self.headers.get("Authorization") == wanted:
                self.answer(200, sources)
            else:
                self.answer(401, {"message": "Unauthorized"})

        def answer(self, status: int, document: object) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *values: object) -> None:
            sys.stderr.write(f"{format % values}\n")

    return Handler


def main() -> None:
    given = arguments()
    home = Path(given.homepath or Path.cwd())
    if not (home / "conf" / "defaults.ini").is_file():
        refuse("Could not find config defaults, make sure homepath is set")
    if given.config and not Path(given.config).is_file():
        refuse(f"Failed to load config {given.config}")
    data = Path(setting("GF_PATHS_DATA", str(home / "data")))
    try:
        data.mkdir(parents=True, exist_ok=True)
        (data / "grafana.db").touch()
    except OSError as problem:
        refuse(f"{data} is not writable: {problem}")
    provisioning = Path(setting("GF_PATHS_PROVISIONING", str(home / "conf" / "provisioning")))
    sources = provisioned(provisioning / "datasources", "datasources")
    shown_first = dashboard(Path(setting("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH", "")))
    to_all = {
        "/api/health": {"database": "ok", "version": "stand-in", "commit": "none"},
        "/api/search": dashboards(provisioning),
        "/api/dashboards/home": {"dashboard": shown_first, "meta": {"isHome": True}},
    }
    password = setting("GF_SECURITY_ADMIN_PASSWORD", "admin")
    address = setting("GF_SERVER_HTTP_ADDR", ""), int(setting("GF_SERVER_HTTP_PORT", "3000"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Grafana's data sources are processes too: it ends them, and where it is killed they stay.
    with subprocess.Popen(["sleep", "3600"], env={}, cwd=data) as plugin:
        try:
            with ThreadingHTTPServer(address, handler(to_all, sources, password)) as server:
                server.serve_forever()
        finally:
            plugin.terminate()


if __name__ == "__main__":
    main()
