"""`pulseguard doctor`: says which link between an agent and Prometheus is broken, and the mend."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pulseguard.doctor.chain import walk
from pulseguard.doctor.link import Link
from pulseguard.doctor.settings import find_settings
from pulseguard.errors import ConfigurationError

_SHOWN: Final = {"holds": "ok", "broken": "BROKEN", "unknown": "?", "not checked": "-"}


def main(argv: Sequence[str]) -> int:
    """Walk the chain. 0: every link holds; 1: one is broken or not known; 2: a bad setting."""
    given = _parser().parse_args(argv)
    flags = {
        name: getattr(given, name)
        for name in ("registry_url", "key_file", "environment", "team", "instance")
    }
    try:
        found = find_settings(flags, given.prometheus_url, os.environ)
    except ConfigurationError as error:
        sys.stderr.write(f"pulseguard doctor: {error}\n")
        return 2
    links: list[Link] = []
    for link in walk(found, given.name):
        links.append(link)
        if not given.json:
            sys.stdout.write(_shown(link))
            sys.stdout.flush()
    sys.stdout.write(_document(links) if given.json else f"\n{_verdict(links)}\n")
    return 0 if _all_hold(links) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pulseguard doctor",
        description="Walks the chain from an agent's settings to Prometheus and names the broken"
        " link. Run it where and as the agent runs: it reads the same settings.",
    )
    parser.add_argument("--name", help="the agent; all of the environment if left out")
    parser.add_argument("--environment", help="PULSEGUARD_ENVIRONMENT (production)")
    parser.add_argument("--team", help="PULSEGUARD_TEAM; matters for keys of one team")
    parser.add_argument("--instance", help="one of several agents of that name")
    parser.add_argument("--key-file", type=Path, help="PULSEGUARD_KEY_FILE")
    parser.add_argument("--registry-url", help="PULSEGUARD_REGISTRY_URL")
    parser.add_argument("--prometheus-url", help="http://host:port, where `make up` does not run")
    parser.add_argument("--json", action="store_true", help="one JSON document, for programs")
    return parser


def _shown(link: Link) -> str:
    line = f"{_SHOWN[link.state]:7} {link.name:11} {link.said}".rstrip() + "\n"
    return line + (f"{'':20}mend: {link.mend}\n" if link.mend else "")


def _verdict(links: Sequence[Link]) -> str:
    broken = [link.name for link in links if link.state == "broken"]
    if broken:
        return f"the broken link{'s' if len(broken) > 1 else ''}: {', '.join(broken)}"
    open_links = [link.name for link in links if link.state != "holds"]
    if open_links:
        return f"not every link is known to hold; not known: {', '.join(open_links)}"
    return "every link holds"


def _all_hold(links: Sequence[Link]) -> bool:
    return all(link.state == "holds" for link in links)


def _document(links: Sequence[Link]) -> str:
    first = next((link.name for link in links if link.state == "broken"), None)
    document = {
        "holds": _all_hold(links),
        "broken": first,
        "links": [
            {
                "name": link.name,
                "state": link.state,
                "said": link.said,
                "mend": link.mend or None,
            }
            for link in links
        ],
    }
    return json.dumps(document, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
