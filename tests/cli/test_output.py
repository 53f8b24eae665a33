"""Results as text."""

from __future__ import annotations

import json

import click
import pytest

from ayl.admin import Workers
from ayl.cli.output import Styled, as_json, listing, table, visible


def test_a_table_has_text_to_the_left_and_numbers_to_the_right() -> None:
    assert table(("NAME", "COUNT", "STATE"), [("a", 1, "on"), ("longer", 1234567, "off")]) == "\n".join(
        (
            bold("NAME") + "      " + bold("COUNT") + "  " + bold("STATE"),
            "a             1  on",
            "longer  1234567  off",
        )
    )


def test_a_table_without_rows_has_its_titles() -> None:
    assert click.unstyle(table(("A", "B"), [])) == "A  B"


def test_a_colour_does_not_move_a_column() -> None:
    plain = table(("N", "NUMBER"), [("x", 1), ("y", 22)])
    coloured = table(("N", "NUMBER"), [("x", Styled(1, colour="red")), ("y", 22)])
    assert coloured != plain
    assert click.unstyle(coloured) == click.unstyle(plain)


def test_a_listing_has_its_values_below_each_other() -> None:
    assert listing([("a", 1), ("longer", "x"), ("b", 2.5)]) == "a       1\nlonger  x\nb       2.5"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, é and 漢", "plain text, é and 漢"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\x7f\x9b\r\n\t\0", r"\x7f\x9b\r\n\t\x00"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("\udcff", r"\udcff"),
    ],
    ids=ascii,
)
def test_what_a_terminal_might_obey_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert listing([(text, text)]) == f"{shown}  {shown}"


def test_a_dataclass_is_an_object_in_json_also_inside_a_list() -> None:
    workers = {"total": 2, "available": 1, "busy": 1}
    assert json.loads(as_json(Workers(2, 1, 1))) == workers
    assert json.loads(as_json([Workers(2, 1, 1)])) == [workers]


def test_json_is_printable_ascii_and_loses_nothing() -> None:
    text = "\x00\x1b\x7f\x9b\u202e\\u007f é"
    written = as_json(text)
    assert written.isascii()
    assert written.isprintable()
    assert json.loads(written) == text


def bold(text: str) -> str:
    return click.style(text, bold=True)
