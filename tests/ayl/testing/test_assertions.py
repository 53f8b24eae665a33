"""A call is the same call if it would do the same; a failed assertion shows what was sent, and what is nearest."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

import ayl
from ayl import testing
from ayl.errors import ArgumentsDoNotFit, NotCallable, NotRegistered, NotSaved
from ayl.testing import ANY, Recording

from .depot import DONE, Base, Colour, Form, Invoice, Order, Parcel, Return, note

if TYPE_CHECKING:
    from collections.abc import Callable


def said(claim: Callable[[], Any]) -> list[str]:
    """The lines with which the claim fails."""
    with pytest.raises(AssertionError) as caught:
        claim()
    return str(caught.value).splitlines()


# What is the same


def test_another_instance_of_the_same_row_is_the_same_object(recorded: Recording) -> None:
    ayl.send(Order(42).merge, [Order(1)], {"by": Order(2)})
    recorded.assert_sent(Order(42).merge, [Order(1)], {"by": Order(2)})
    recorded.assert_not_sent(Order(42).merge, [Order(3)], {"by": Order(2)})
    recorded.assert_not_sent(Order(42).merge, [Order(1)], {"by": Invoice(2)})
    recorded.assert_not_sent(Order(41).merge)
    recorded.assert_not_sent(Return(42).merge)


def test_values_are_compared_as_values(recorded: Recording) -> None:
    ayl.send(note, {"price": Decimal("1.50"), "in": Colour.RED, "box": Parcel(3, ["socks"])})
    recorded.assert_sent(note, {"price": Decimal("1.5"), "in": Colour.RED, "box": Parcel(3, ["socks"])})
    recorded.assert_not_sent(note, {"price": Decimal("1.5"), "in": Colour.BLUE, "box": Parcel(3, ["socks"])})
    recorded.assert_not_sent(note, {"price": Decimal("1.5"), "in": Colour.RED, "box": Parcel(3, ["shoes"])})


def test_a_value_that_insists_on_its_objects_is_compared_as_it_is_written(recorded: Recording) -> None:
    ayl.send(note, Form(order=Order(42), text="socks"))
    recorded.assert_sent(note, Form(order=Order(42), text="socks"))
    recorded.assert_sent(note, ANY)
    recorded.assert_not_sent(note, Form(order=Order(41), text="socks"))
    recorded.assert_not_sent(note, Form(order=Order(42), text="shoes"))
    recorded.run_sent()
    (done,) = DONE
    assert (type(done), done.order.id) == (Form, 42)


def test_a_value_may_hold_objects_and_any(recorded: Recording) -> None:
    ayl.send(note, Parcel(3, [Order(42), "socks"]))
    recorded.assert_sent(note, Parcel(3, [Order(42), ANY]))
    recorded.assert_sent(note, Parcel(ANY, ANY))
    recorded.assert_not_sent(note, Parcel(3, [Order(41), ANY]))


def test_it_does_not_matter_which_arguments_were_named(recorded: Recording) -> None:
    ayl.send(Order(1).ship, carrier="ups")
    ayl.send(note, "socks", times=2)
    recorded.assert_sent(Order(1).ship, "ups")
    recorded.assert_sent(note, text="socks", times=2)
    recorded.assert_sent(note, "socks", 2)


def test_an_argument_that_was_left_out_is_not_its_default(recorded: Recording) -> None:
    # As unittest.mock sees it: the default may be another one when the call is made.
    ayl.send(Order(1).ship, "ups")
    recorded.assert_not_sent(Order(1).ship, "ups", insured=False)


@pytest.mark.parametrize("anything", [ANY, mock.ANY], ids=["ours", "unittest.mock's"])
def test_any_stands_for_whatever_is_there(anything: Any, recorded: Recording) -> None:
    ayl.send(Order(42).merge, [Order(1), Order(2)], {"by": Order(3), "at": 5})
    recorded.assert_sent(Order(42).merge, anything, notes=anything)
    recorded.assert_sent(Order(42).merge, [anything, Order(2)], {"by": anything, "at": 5})
    recorded.assert_not_sent(Order(42).merge, [anything], anything)
    recorded.assert_not_sent(Order(42).merge, anything, {"by": anything, "at": 6})


def test_whatever_knows_equality_may_stand_for_an_argument(recorded: Recording) -> None:
    class Short:
        def __eq__(self, other: object) -> bool:
            return isinstance(other, str) and len(other) < 6

        __hash__ = None  # type: ignore[assignment]

    ayl.send(note, {"weight": 0.1 + 0.2, "name": "socks"})
    recorded.assert_sent(note, {"weight": pytest.approx(0.3), "name": Short()})
    recorded.assert_not_sent(note, {"weight": pytest.approx(0.4), "name": Short()})


def test_methods_of_classes_and_functions_are_asserted_as_they_are_sent(recorded: Recording) -> None:
    Order.ayl_send("count")
    ayl.send(Return.sweep, 3)
    ayl.ayl_send([3], "append", 4)
    recorded.assert_sent(Order.count)
    recorded.assert_sent(Return.sweep, 3)
    recorded.assert_not_sent(Order.sweep, 3)
    recorded.assert_sent([3].append, 4)
    recorded.assert_not_sent([4].append, 4)


def test_a_method_without_its_object_takes_it_as_its_first_argument(recorded: Recording) -> None:
    ayl.send(Order(42).ship, "ups")
    recorded.assert_sent(Order.ship, Order(42), "ups")
    recorded.assert_sent(Order.ship, ANY, "ups")
    recorded.assert_sent(Order.ship, ANY, carrier="ups")
    recorded.assert_not_sent(Order.ship, Order(41), "ups")
    recorded.assert_not_sent(Order.ship, ANY, "dhl")
    recorded.assert_not_sent(Invoice.ship)


def test_a_method_without_its_object_includes_those_of_subclasses(recorded: Recording) -> None:
    ayl.send(Return(1).stamp)
    recorded.assert_sent(Order.stamp, ANY)
    recorded.assert_sent(Base.stamp, ANY)
    Order(1).ayl_send("ship", "ups")
    assert [str(call) for call in recorded.of(Order.ship)] == ["depot.Order.find(1).ship('ups')"]


def test_of_gives_the_calls_whatever_their_arguments(recorded: Recording) -> None:
    for carrier in ("ups", "dhl"):
        ayl.send(Order(1).ship, carrier)
        ayl.send(Order(2).ship, carrier)
        ayl.send(note, carrier)
    assert [call.args for call in recorded.of(Order(1).ship)] == [("ups",), ("dhl",)]
    assert len(recorded.of(Order.ship)) == 4
    assert len(recorded.of(note)) == 2
    assert recorded.of(Order.count) == []


def test_assert_sent_gives_the_call_for_a_look_at_its_options(recorded: Recording) -> None:
    ayl.opts(delay=60, lane="slow").send(note, "socks")
    call = recorded.assert_sent(note, "socks")
    assert (call.options.delay, call.options.lane) == (60, "slow")


def test_times_are_counted_exactly(recorded: Recording) -> None:
    for _ in range(2):
        ayl.send(note, "socks")
    ayl.send(note, "shoes")
    recorded.assert_sent(note, "socks")
    recorded.assert_sent_times(2, note, "socks")
    recorded.assert_sent_times(0, note, "hats")
    recorded.assert_sent_times(3, note, ANY)
    assert said(lambda: recorded.assert_sent_times(1, note, "socks"))[0] == "depot.note('socks') was sent twice, not 1"


def test_not_sent_without_arguments_is_with_none_whatever(recorded: Recording) -> None:
    ayl.send(Order(1).ship, "ups")
    recorded.assert_not_sent(Order(2).ship)
    recorded.assert_not_sent(Order(1).ship, "dhl")
    assert said(lambda: recorded.assert_not_sent(Order(1).ship)) == [
        "depot.Order.find(1).ship(…) was sent",
        "one call was sent:",
        "  1. depot.Order.find(1).ship('ups')",
    ]


# What could never be sent is no proof that it was not


def test_arguments_that_do_not_fit_are_an_error_of_the_test(recorded: Recording) -> None:
    with pytest.raises(ArgumentsDoNotFit, match=r"ship\('ups', ensured=True\) could never be sent: .*'ensured'"):
        recorded.assert_not_sent(Order(1).ship, "ups", ensured=True)
    with pytest.raises(ArgumentsDoNotFit):
        recorded.assert_sent(Order(1).ship)  # type: ignore[call-arg]


def test_what_is_not_registered_is_an_error_of_the_test(recorded: Recording) -> None:
    with pytest.raises(NotRegistered):
        recorded.assert_not_sent(print)


@pytest.mark.parametrize("method", [Order(1).__repr__, Order.__init__, Parcel(1, []).__repr__])
def test_a_private_method_is_an_error_of_the_test(method: Callable[..., object], recorded: Recording) -> None:
    with pytest.raises(NotCallable):
        recorded.assert_not_sent(method)


def test_an_object_that_was_not_saved_is_an_error_of_the_test(recorded: Recording) -> None:
    with pytest.raises(NotSaved, match="the receiver"):
        recorded.assert_not_sent(Order(None).ship, "ups")
    with pytest.raises(NotSaved, match=r"args\[0\]\[1\]"):
        recorded.assert_not_sent(Order(1).merge, [Order(2), Order(None)], {})


# What a failure says


def test_a_failure_lists_what_was_sent_and_how_the_nearest_differs(recorded: Recording) -> None:
    ayl.send(note, "socks")
    ayl.send(Order(41).ship, "ups")
    ayl.send(Order(42).ship, "dhl", insured=True)
    assert said(lambda: recorded.assert_sent(Order(42).ship, "ups")) == [
        "depot.Order.find(42).ship('ups') was not sent",
        "3 calls were sent:",
        "  1. depot.note('socks')",
        "  2. depot.Order.find(41).ship('ups')",
        "  3. depot.Order.find(42).ship('dhl', insured=True)",
        "the nearest, 3, differs:",
        "  carrier: 'dhl' was sent, 'ups' was expected",
        "  insured: True was sent, nothing was expected",
    ]


def test_a_failure_tells_of_another_receiver(recorded: Recording) -> None:
    ayl.send(Order(41).ship, "ups")
    assert said(lambda: recorded.assert_sent(Order(42).ship, "ups", insured=True))[-3:] == [
        "the nearest, 1, differs:",
        "  to: depot.Order.find(41), depot.Order.find(42) was expected",
        "  insured: nothing was sent, True was expected",
    ]


def test_a_long_argument_is_compared_line_by_line(recorded: Recording) -> None:
    things = [f"thing number {number}" for number in range(10)]
    ayl.send(note, things)
    lines = said(lambda: recorded.assert_sent(note, [*things[:5], "another thing", *things[6:]]))
    difference = lines[lines.index("  text: - was sent, + was expected") :]
    assert "    -  'thing number 5'," in difference
    assert "    +  'another thing'," in difference
    assert "       'thing number 6'," in difference


def test_a_failure_where_nothing_was_sent_says_so(recorded: Recording) -> None:
    assert said(lambda: recorded.assert_sent(note, "socks")) == ["depot.note('socks') was not sent", "nothing was sent"]


def test_a_call_of_another_method_is_not_near(recorded: Recording) -> None:
    ayl.send(note, "socks")
    assert said(lambda: recorded.assert_sent(Order(1).ship, "socks"))[-1] == "  1. depot.note('socks')"


def test_a_long_list_is_cut(recorded: Recording) -> None:
    for number in range(30):
        ayl.send(note, number)
    lines = said(recorded.assert_nothing_sent)
    assert lines[:2] == ["something was sent", "30 calls were sent:"]
    assert lines[-2:] == ["  20. depot.note(19)", "  … and 10 more"]


def test_any_reads_well(recorded: Recording) -> None:
    (line, _) = said(lambda: recorded.assert_sent(Order.ship, ANY, "ups"))
    assert line == "depot.Order.find(ANY).ship('ups') was not sent"


def test_what_waits_in_a_batch_is_named(recorded: Recording) -> None:
    with ayl.batch():
        ayl.send(note, "socks")
        lines = said(lambda: recorded.assert_sent(note, "socks"))
    assert lines[-2:] == ["not sent yet, for they wait in a batch that has not ended:", "  depot.note('socks')"]
    recorded.assert_sent(note, "socks")


def test_module_functions_speak_of_the_innermost_span() -> None:
    with testing.recording():
        ayl.send(note, "socks")
        testing.assert_sent(note, "socks")
        testing.assert_not_sent(note, "shoes")
        testing.assert_sent_times(1, note, "socks")
        assert said(testing.assert_nothing_sent)[0] == "something was sent"
