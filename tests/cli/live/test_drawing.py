"""Lines of text that fit a width."""

from __future__ import annotations

import click
import pytest

from ayl.cli.live.drawing import Span, Style, cells, fitted, grid, line, middle_cut, plain, printed


def test_a_line_that_fits_stays_as_it_is() -> None:
    spans = line("plain ", Span("red", Style.WRONG))
    assert fitted(spans, 9) == spans


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [("abcdef", 4, "abc…"), ("abcdef", 1, "…"), ("abcdef", 0, ""), ("漢字漢字", 5, "漢字…"), ("漢字漢字", 4, "漢…")],
)
def test_a_line_that_does_not_fit_says_that_something_is_missing(text: str, width: int, shown: str) -> None:
    cut = plain(fitted(line(text), width))
    assert cut == shown
    assert cells(cut) <= width


def test_a_line_is_cut_within_the_style_where_it_ends() -> None:
    assert fitted(line("ab", Span("cdef", Style.WRONG), "g"), 4) == line("ab", Span("c…", Style.WRONG))


def test_blanks_at_its_end_are_not_missed() -> None:
    assert fitted(line("ab", "   "), 3) == line("ab", " ")
    assert fitted(line("ab", "   "), 2) == line("ab", "")


def test_a_line_is_said_to_be_cut_also_where_a_piece_of_it_just_fits() -> None:
    assert plain(fitted(line("abc", "def"), 3)) == "ab…"
    assert plain(fitted(line("abc", "def"), 4)) == "abc…"


def test_characters_take_the_room_that_a_terminal_gives_them() -> None:
    assert [cells(text) for text in ("abc", "é", "e\u0301", "漢字", "…")] == [3, 1, 1, 4, 1]


@pytest.mark.parametrize(("room", "shown"), [(15, "shop/1.4.2/mail"), (9, "shop…mail"), (2, "s…"), (1, "…")])
def test_a_name_is_cut_in_its_middle(room: int, shown: str) -> None:
    assert middle_cut("shop/1.4.2/mail", room) == shown


def test_a_grid_has_names_to_the_left_and_numbers_to_the_right() -> None:
    lines = grid(("TUBE", "READY"), [[Span("a"), Span("1")], [Span("longer"), Span("1234567")]], None)
    assert [plain(spans) for spans in lines] == ["TUBE      READY", "a             1", "longer  1234567"]


def test_a_grid_takes_room_from_its_first_column() -> None:
    lines = grid(("TUBE", "READY"), [[Span("shop/1.4.2/mail/of/many"), Span("1")]], 20)
    assert [plain(spans) for spans in lines] == ["TUBE           READY", "shop/1…of/many     1"]


def test_a_grid_leaves_columns_away_as_a_whole_where_there_is_no_room() -> None:
    rows = [[Span("a long name"), Span("1"), Span("2"), Span("3")]]
    shown = {width: grid(("TUBE", "ONE", "TWO", "THREE"), rows, width, spare=(2, 1)) for width in (40, 24, 23, 19)}
    assert {width: plain(title).split() for width, (title, _) in shown.items()} == {
        40: ["TUBE", "ONE", "TWO", "THREE"],
        24: ["TUBE", "ONE", "TWO", "THREE"],
        23: ["TUBE", "ONE", "THREE"],
        19: ["TUBE", "THREE"],
    }


def test_numbers_are_not_far_away_from_the_names_that_they_belong_to() -> None:
    _, row = grid(("TUBE", "READY"), [[Span("x" * 200), Span("1")]], 160)
    assert plain(row) == f"{'x' * 29}…{'x' * 30}      1"
    assert plain(grid(("TUBE", "READY"), [[Span("x" * 200), Span("1")]], None)[1]) == f"{'x' * 200}      1"


def test_what_a_terminal_would_obey_is_spelled_out_in_a_grid() -> None:
    _, row = grid(("TUBE",), [[Span("\x1b[31mred")]], None)
    assert plain(row) == r"\x1b[31mred"


def test_lines_are_printed_with_their_styles_or_without() -> None:
    lines = [line("a ", Span("b", Style.WRONG)), line("c ")]
    assert printed(lines, styled=False) == "a b\nc"
    assert click.unstyle(printed(lines, styled=True)) == "a b\nc "
    assert "\x1b[31m\x1b[1mb" in printed(lines, styled=True)
