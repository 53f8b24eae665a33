"""What `watch` and `top` make of facts, at any size."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import product

import pytest

from ayl.admin.bodies import Body
from ayl.admin.jobs import Job
from ayl.cli.live import SORTS
from ayl.cli.live.drawing import Line, Span, Style, cells, plain
from ayl.cli.live.state import KEYS, Action, Facts, Place, State, listed, pressed
from ayl.cli.live.tubes import ORDERS
from ayl.cli.live.view import HELP, SMALLEST, view
from ayl.cli.live.watching import picture, shares

from .sights import AT, away, look, tube

MANY = tuple(tube(f"shop/{number:02}", ready=number) for number in range(30))
BURIED = Job(7, "shop/29", "buried", 5, 3, 0, 120, 0, 0, 3, 0, 2, 1, 0, Body(9, "…", "Order.find(7).ship()", why="no"))
WHEN = f"{datetime.fromtimestamp(AT).astimezone():%H:%M:%S}"


def texts(lines: list[Line]) -> list[str]:
    return [plain(spans).rstrip() for spans in lines]


class TestWatch:
    def test_a_first_look_has_no_changes_and_a_second_has(self) -> None:
        before = (tube("a", ready=5, workers=1), tube("gone", ready=1))
        after = (tube("a", ready=2, workers=3, deletes=9), tube("new", ready=7, buried=1))
        assert texts(picture([look(*after, before=before)], "name", ""))[1:] == [
            "TUBE  WATCH  +/-  BURIED  READY  +/-  RESERVED  DELAYED  DONE/S",
            "a         3   +2       0      2   -3         0        0     4.5",
            "new       0            1      7              0        0",
        ]

    def test_a_tube_that_came_anew_meanwhile_has_no_changes(self) -> None:
        found = look(tube("a", ready=1), before=(tube("a", ready=500, deletes=90),))
        assert found.tubes[0].change is None

    def test_a_paused_tube_adds_a_column_with_what_is_left(self) -> None:
        lines = texts(picture([look(tube("a"), tube("b", pause=65))], "name", ""))
        assert [line.split()[-1] for line in lines[1:]] == ["PAUSED", "0", "1:05"]

    def test_what_does_not_fit_is_counted(self) -> None:
        lines = texts(picture([look(*MANY)], "jobs", "", 80, 10))
        assert len(lines) == 10
        assert lines[2].startswith("shop/29 ")
        assert lines[-1] == f"… and 23 more tubes, {sum(range(23))} jobs"

    def test_servers_share_the_room_and_one_that_is_away_says_so(self) -> None:
        lines = texts(picture([look(*MANY), away(), look(tube("b"), server="three:1")], "jobs", "", 80, 14))
        assert len(lines) == 14
        assert lines[0] == f"{WHEN}  3 servers  1 away"
        assert "no server at two:11300 (connection refused); trying again" in lines
        assert [line for line in lines if line.startswith("b ")]

    @pytest.mark.parametrize(("width", "titles"), [
        (80, "TUBE WATCH +/- BURIED READY +/- RESERVED DELAYED DONE/S PAUSED"),
        (64, "TUBE WATCH BURIED READY +/- RESERVED DELAYED DONE/S PAUSED"),
        (60, "TUBE WATCH BURIED READY +/- DELAYED DONE/S PAUSED"),
        (50, "TUBE WATCH BURIED READY +/- DELAYED PAUSED"),
        (40, "TUBE WATCH BURIED READY +/- PAUSED"),
    ])  # fmt: skip
    def test_a_narrow_terminal_gets_fewer_columns_and_all_of_these(self, width: int, titles: str) -> None:
        lines = texts(picture([look(tube("shop/1", ready=5, pause=9), tube("long/1/" + "x" * 193))], "name", "", width))
        assert " ".join(lines[1].split()) == titles
        assert [line.count("…") for line in lines[1:]] == [0, 1, 0]

    @pytest.mark.parametrize(("wanted", "room", "given"), [
        ([5, 5], 20, [5, 5]), ([30, 2], 10, [8, 2]), ([30, 30, 30], 10, [3, 3, 4]), ([3], -2, [0]),
    ])  # fmt: skip
    def test_lines_are_shared_fairly(self, wanted: list[int], room: int, given: list[int]) -> None:
        assert shares(wanted, room) == given

    @pytest.mark.parametrize(("pattern", "said"), [("x*", "no tube matches x*"), ("", "no tubes")])
    def test_no_tubes_are_said_to_be_none(self, pattern: str, said: str) -> None:
        assert texts(picture([look()], "jobs", pattern))[1:] == [said]

    def test_what_went_wrong_is_red_and_what_nobody_watches_is_magenta(self) -> None:
        lines = picture([look(tube("a", ready=3, buried=4)), away()], "name", "")
        styles = {span.text: span.style for spans in lines for span in spans}
        assert (styles["4"], styles["3"]) == (Style.WRONG, Style.NOTABLE)
        assert styles["no server at two:11300 (connection refused); trying again"] is Style.WRONG

    def test_tubes_are_sorted_as_one_likes(self) -> None:
        before = (tube("a"), tube("b"), tube("c"))
        after = look(tube("a", ready=9), tube("b", buried=1), tube("c", ready=5, buried=3, deletes=4), before=before)
        assert {order: "".join(line[0] for line in texts(picture([after], order, ""))[2:]) for order in ORDERS} == {
            "jobs": "acb", "name": "abc", "ready": "acb", "buried": "cba", "done": "cab",
        }  # fmt: skip
        assert (*ORDERS,) == SORTS


SHAPES = [
    Facts(),
    Facts([look()]),
    Facts([away()]),
    Facts([look(*MANY)], [BURIED], Place("one:11300", "shop/29")),
    Facts([look(*MANY), away(), look(tube("漢字" * 20), server="three:1")]),
]
STATES = [
    State("jobs"),
    State("name", place=Place("one:11300", "shop/15")),
    State("jobs", helping=True),
    State("jobs", wanted="op/1", typing=True),
    State("jobs", notice="done " * 40),
]
SIZES = [(80, 24), (160, 50), (40, 10), (39, 24), (80, 9), (1, 1), (300, 12)]


class TestTop:
    @pytest.mark.parametrize("size", SIZES, ids=str)
    def test_it_keeps_to_any_size(self, size: tuple[int, int]) -> None:
        for facts, state in product(SHAPES, STATES):
            for lines in (view(facts, state, size), picture(facts.looks, "jobs", "", *size) if facts.looks else []):
                assert len(lines) <= size[1]
                assert max((cells(plain(spans)) for spans in lines), default=0) <= size[0]

    def test_it_shows_servers_tubes_and_the_next_calls_of_the_chosen_one(self) -> None:
        lines = texts(view(SHAPES[3], STATES[0], (80, 24)))
        assert len(lines) == 24
        assert lines[:2] == [
            f"{WHEN}  one:11300  1.13  up 1:01:40  7 connections",
            f"{sum(range(30))} ready, 0 reserved, 0 delayed, 0 buried; workers: 1 busy, 2 available",
        ]
        assert lines[4].startswith("shop/29 ")
        assert "#7 buried 0:03 Order.find(7).ship()" in lines
        assert "  why: no" in lines
        assert lines[-1].startswith("q quit  ? help  j/k tube  s sort (jobs)")

    def test_the_chosen_tube_stands_out_and_is_always_in_sight(self) -> None:
        for number in range(30):
            lines = view(SHAPES[3], State("name", place=Place("one:11300", f"shop/{number:02}")), (80, 24))
            (row,) = [spans for spans in lines if all(span.chosen for span in spans) and spans]
            assert plain(row).startswith(f"shop/{number:02} ")

    @pytest.mark.parametrize(("state", "said"), [
        (State("jobs"), "no tubes"),
        (State("jobs", pattern="nix*"), "no tube matches nix*"),
        (State("jobs", pattern="nix*", wanted="x"), "no tube has x in its name"),
    ])  # fmt: skip
    def test_no_tubes_are_said_to_be_none(self, state: State, said: str) -> None:
        assert texts(view(SHAPES[1], state, (80, 24)))[3] == said

    def test_what_is_wrong_with_the_chosen_tube_stands_out_there_as_well(self) -> None:
        lines = view(Facts([look(tube("a", buried=7))]), State("name"), (80, 24))
        assert Span("7", Style.WRONG, chosen=True) in [span for spans in lines for span in spans]

    def test_columns_stay_where_they_are_whichever_tubes_are_in_sight(self) -> None:
        some = Facts([look(*MANY, tube("zzz/" + "z" * 30, pause=90))])
        titles = {texts(view(some, State("name", place=Place("one:11300", row.name)), (160, 20)))[3] for row in MANY}
        assert len(titles) == 1

    def test_it_says_how_many_tubes_are_above(self) -> None:
        for name, said in (("shop/00", "19 more tubes, 380 jobs"), ("shop/29", "19 more tubes (19 above), 171 jobs")):
            assert f"… and {said}" in texts(view(SHAPES[3], State("name", place=Place("one:11300", name)), (80, 24)))

    @pytest.mark.parametrize("width", [80, 60])
    def test_the_longest_name_leaves_room_for_what_is_said_of_it(self, width: int) -> None:
        name = "x" * 200
        facts = Facts([look(tube(name, workers=2))])
        asked = pressed(State("name"), "p", listed(facts.looks, State("name")))
        lines = texts(view(facts, asked, (width, 24)))
        assert [line for line in lines if line.startswith("pause xx") and line.endswith("xx for an hour? y/n")]
        assert [line for line in lines if line.endswith("xx  0 workers busy  2 available  0 producers")]

    def test_what_a_terminal_would_obey_is_spelled_out_in_questions(self) -> None:
        facts = Facts([look(tube("\x1b[31mred"))])
        asked = pressed(State("name"), "p", listed(facts.looks, State("name")))
        assert r"pause \x1b[31mred for an hour? y/n" in texts(view(facts, asked, (80, 24)))

    def test_a_server_that_is_away_is_told_of_above_whatever_is_in_sight(self) -> None:
        lines = texts(view(SHAPES[4], STATES[0], (160, 24)))
        assert lines[0] == f"{WHEN}  3 servers  no server at two:11300 (connection refused)"

    def test_calls_of_another_tube_than_the_chosen_one_are_not_shown(self) -> None:
        assert not [line for line in texts(view(SHAPES[3], STATES[1], (80, 24))) if "#7" in line]

    def test_too_small_a_terminal_is_told_what_it_takes(self) -> None:
        columns, rows = SMALLEST
        assert texts(view(SHAPES[3], STATES[0], (columns - 1, rows)))[:2] == ["39x10 is too small", "40x10 will do"]

    def test_its_help_has_every_key(self) -> None:
        said = " ".join(key for key, _ in HELP)
        spoken = {"escape": "", "page up": "", "page down": "", "home": "", "end": ""}
        assert all(spoken.get(key, key) in said for key in KEYS)
        assert len(HELP) <= 24
        assert not [line for line in texts(view(Facts(), STATES[2], (80, 24))) if "…" in line]


class TestKeys:
    SHOWN = listed([look(tube("a", ready=3), tube("b", buried=2), tube("c", pause=9))], State("name"))

    def press(self, *keys: str, state: State | None = None) -> State:
        state = state or State("name")
        for key in keys:
            state = pressed(state, key, self.SHOWN)
        return state

    @pytest.mark.parametrize(("keys", "name"), [
        ("j", "b"), ("jj", "c"), ("jjj", "c"), ("jjk", "b"), ("k", "a"), (("end",), "c"), (("end", "home"), "a"),
        (("page down",), "c"), (("down", "up"), "a"),
    ])  # fmt: skip
    def test_tubes_are_chosen_by_keys(self, keys: tuple[str, ...], name: str) -> None:
        assert self.press(*keys).place == Place("one:11300", name)

    def test_sorting_goes_round(self) -> None:
        assert [self.press(*"s" * times).order for times in range(6)] == [
            "name",
            "ready",
            "buried",
            "done",
            "jobs",
            "name",
        ]

    def test_what_changes_something_is_asked_first(self) -> None:
        for keys, text, action in (
            ("p", "pause a for an hour?", Action("pause", Place("one:11300", "a"))),
            ("jjp", "let c go on?", Action("resume", Place("one:11300", "c"))),
            ("jK", "make 2 buried jobs of b ready?", Action("kick", Place("one:11300", "b"))),
        ):
            asked = self.press(*keys)
            assert asked.question is not None
            assert (asked.question.text, asked.actions) == (text, ())
            assert self.press("y", state=asked).actions == (action,)
            for other in ("n", "escape", "q", "j", "enter"):
                assert (left := self.press(other, state=asked)).actions == ()
                assert (left.notice, left.ended, left.question) == ("not done", False, None)

    def test_of_several_servers_the_one_that_is_meant_is_named(self) -> None:
        shown = listed([look(tube("a")), look(tube("a", buried=2), server="two:1")], State("name"))
        state = State("name", place=Place("two:1", "a"))
        asked = [pressed(state, key, shown).question for key in "pK"]
        assert [question and question.text for question in asked] == [
            "pause a at two:1 for an hour?",
            "make 2 buried jobs of a at two:1 ready?",
        ]

    def test_an_action_is_done_once(self) -> None:
        assert self.press("p", "y", "j").actions == ()

    def test_nothing_to_kick_is_said(self) -> None:
        assert self.press("K").notice == "no job of a is buried or delayed"

    def test_a_filter_is_typed_kept_and_dropped(self) -> None:
        typed = self.press("/", "x", "q", "backspace")
        assert (typed.wanted, typed.typing) == ("x", True)
        assert self.press("enter", state=typed) == replace(typed, typing=False)
        assert self.press("escape", state=typed).wanted == ""
        assert self.press("enter", "escape", state=typed).wanted == ""

    @pytest.mark.parametrize(("wanted", "names"), [("", "abc"), ("B", "b"), ("*", "abc"), ("a*", "a"), ("x", "")])
    def test_a_filter_is_a_part_of_a_name_or_a_pattern(self, wanted: str, names: str) -> None:
        found = listed([look(tube("a"), tube("b"), tube("c"))], State("name", wanted=wanted))
        assert "".join(row.tube.name for row in found) == names

    def test_where_there_are_no_tubes_keys_do_nothing(self) -> None:
        for key in KEYS:
            assert pressed(State("name"), key, []).actions == ()

    def test_it_ends_with_q(self) -> None:
        assert self.press("q").ended
        assert not self.press("?").ended
        assert not self.press("?", "x").helping
