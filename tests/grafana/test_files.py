"""The files of the dashboards: made from the pages, and found under the same names for ever."""

from __future__ import annotations

import re

import pytest

from pulseguard_grafana.__main__ import FOLDER, LINKS, dashboard_texts, main
from tests.grafana.dashboards import DASHBOARDS, PAGES

# Links of others lead to these: a page may be added, but none may ever be called otherwise.
UIDS = {
    "fleet": "pulseguard-fleet",
    "agent": "pulseguard-agent",
    "models": "pulseguard-models",
    "cost": "pulseguard-cost",
    "monitor": "pulseguard-monitor",
}


def test_the_committed_files_are_what_the_pages_make_and_there_is_no_other():
    committed = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.iterdir()}

    assert set(committed) == set(dashboard_texts())
    # Names only: two dashboards that differ are longer than anybody reads.
    stale = [name for name, text in dashboard_texts().items() if committed[name] != text]
    assert stale == [], "python -m pulseguard_grafana makes them anew"


def test_the_package_has_a_link_to_each_file_and_to_no_other():
    assert {link.name for link in LINKS.iterdir()} == set(dashboard_texts())
    for link in LINKS.iterdir():
        assert link.readlink().as_posix() == f"../../dashboards/{link.name}"


def test_making_them_anew_leaves_no_file_of_a_page_that_is_gone(tmp_path, monkeypatch):
    folder, links = tmp_path / "dashboards", tmp_path / "package" / "dashboards"
    links.parent.mkdir()
    for name, place in (("FOLDER", folder), ("LINKS", links)):
        monkeypatch.setattr(f"pulseguard_grafana.__main__.{name}", place)
        place.mkdir()
        (place / "former.json").write_text("{}")
    (folder / "README.md").write_text("not ours")

    main()
    main()

    assert {file.name for file in folder.iterdir()} == {*dashboard_texts(), "README.md"}
    assert {link.name for link in links.iterdir()} == set(dashboard_texts())


def test_every_page_has_its_uid_for_ever():
    assert {page.name: DASHBOARDS[page.name]["uid"] for page in PAGES} == UIDS


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_uid_is_one_that_grafana_takes(name: str):
    uid = DASHBOARDS[name]["uid"]

    assert uid == f"pulseguard-{name}"
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", uid)
    assert DASHBOARDS[name]["id"] is None, "else Grafana looks for it in its own database"


def test_no_two_pages_have_the_same_title():
    titles = [each["title"] for each in DASHBOARDS.values()]

    assert len(set(titles)) == len(titles)
