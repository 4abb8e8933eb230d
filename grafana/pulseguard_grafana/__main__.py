"""Writes each page as grafana/dashboards/<name>.json, and removes what is no page any more.

Beside them it keeps the links by which the package has them too, and ships them.
"""

from __future__ import annotations

import json
from pathlib import Path

from pulseguard_grafana.assembly import dashboard_json
from pulseguard_grafana.pages import all_pages

FOLDER = Path(__file__).parents[1] / "dashboards"
LINKS = Path(__file__).parent / "dashboards"


def dashboard_texts() -> dict[str, str]:
    """The text of each file, by its name."""
    return {
        f"{page.name}.json": json.dumps(
            dashboard_json(page), indent=2, sort_keys=True, ensure_ascii=False
        )
        + "\n"
        for page in all_pages()
    }


def main() -> None:
    """Make the folders hold the pages and the links to them, and nothing else."""
    texts = dashboard_texts()
    for folder in (FOLDER, LINKS):
        folder.mkdir(exist_ok=True)
        for file in folder.glob("*.json"):
            if file.name not in texts:
                file.unlink()
    for name, text in texts.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        if not (LINKS / name).is_symlink():
            (LINKS / name).symlink_to(f"../../dashboards/{name}")


if __name__ == "__main__":
    main()
