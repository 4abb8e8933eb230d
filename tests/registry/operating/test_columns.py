"""Tables at every width: which columns there is room for, and what is never cut."""

from __future__ import annotations

from pulseguard_registry.operating.columns import FAIR, GAP, elided, fit

ID, NAME, STATUS, SEEN = 36, 18, 7, 10
WANTED = (NAME, STATUS, SEEN, ID)
TELLING = (3, 0, 1, 2)
IDS = frozenset({3})


def test_columns_go_whole_those_first_that_tell_least() -> None:
    whole = sum(WANTED) + 3 * GAP

    assert fit(WANTED, TELLING, IDS, whole) == list(WANTED)
    assert fit(WANTED, TELLING, IDS, whole - 1) == [NAME, STATUS, 0, ID]
    # What is narrower takes the place of what has none.
    assert fit((NAME, 30, SEEN, ID), TELLING, IDS, 72) == [NAME, 0, SEEN, ID]


def test_lines_fit_and_ids_are_whole_however_long_a_name_is() -> None:
    for room in range(1, 200):
        widths = fit((120, STATUS, SEEN, ID), TELLING, IDS, room)

        assert widths[3] == ID
        assert widths[0] >= min(FAIR, max(room - ID - GAP, 8)), room
        assert sum(widths) + GAP * (sum(map(bool, widths)) - 1) <= max(room, ID + GAP + 8), room


def test_what_is_left_over_is_a_long_names() -> None:
    assert fit((120, STATUS, SEEN, ID), TELLING, IDS, 100) == [100 - 59, STATUS, SEEN, ID]


def test_a_text_that_is_cut_keeps_both_ends_in_cells_of_the_terminal() -> None:
    assert elided("invoice-bot-eu-1", 9) == "invo…eu-1"
    assert elided("ab", 4) == "ab  "
    assert elided("漢字漢字漢字", 8) == "漢字 …字"
