"""What was sent is kept in order and decoded, with no object looked for, and goes nowhere."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from datetime import timedelta

import pytest

import ayl
from ayl import settings, testing
from ayl.engines.synchronous import SynchronousEngine
from ayl.handle import State
from ayl.options import Options
from ayl.testing import Recording, Reference

from .depot import DONE, FOUND, Colour, Invoice, Order, Parcel, Return, note


def test_calls_are_kept_in_the_order_in_which_they_were_sent(recorded: Recording) -> None:
    ayl.send(Order(42).ship, "ups", insured=True)
    Order(7).ayl_send("ship", "dhl")
    Order.ayl_send("count")
    ayl.send(note, "socks")
    assert [call.call for call in recorded.sent()] == [
        "depot.Order.find(42).ship('ups', insured=True)",
        "depot.Order.find(7).ship('dhl')",
        "depot.Order.count()",
        "depot.note('socks')",
    ]
    assert len(recorded) == 4


def test_a_record_is_decoded_and_nothing_is_looked_for_or_run(recorded: Recording) -> None:
    parcel = Parcel(3, ["socks"])
    handle = ayl.send(Order(42).merge, [Order(1), Return(2)], notes={"by": Invoice(3), "in": (Colour.RED, parcel)})
    (call,) = recorded.sent()
    assert call.receiver == Reference("depot.Order", 42)
    assert call.method == "merge"
    assert call.args == ([Reference("depot.Order", 1), Reference("depot.Return", 2)],)
    assert call.kwargs == {"notes": {"by": Reference("depot.Invoice", 3), "in": (Colour.RED, parcel)}}
    assert call.message_id == handle.id
    assert (FOUND, DONE) == ([], [])


def test_a_reference_equals_any_instance_of_its_row_and_nothing_else(recorded: Recording) -> None:
    ayl.send(Order(42).ship, "ups")
    Order.ayl_send("count")
    first, second = recorded.sent()
    assert first.receiver == Order(42)
    assert first.receiver != Order(43)
    assert first.receiver != Invoice(42)
    assert first.receiver != Return(42)
    assert first.receiver != Order(None)
    assert first.receiver != Order
    assert first.receiver != 42
    assert second.receiver == Order
    assert second.receiver != Return
    assert (repr(first.receiver), repr(second.receiver)) == ("depot.Order.find(42)", "depot.Order")


def test_a_function_has_no_receiver_and_its_registered_name(recorded: Recording) -> None:
    ayl.send(note, "socks", times=2)
    (call,) = recorded.sent()
    assert (call.receiver, call.method, call.args, call.kwargs) == (None, "depot.note", ("socks",), {"times": 2})


def test_a_value_as_receiver_is_that_value(recorded: Recording) -> None:
    ayl.ayl_send([3, 1], "append", 2)
    (call,) = recorded.sent()
    assert (call.receiver, call.method, call.args) == ([3, 1], "append", (2,))


def test_names_that_look_like_marks_come_back(recorded: Recording) -> None:
    ayl.send(note, {"$ref": ["depot.Order", 1]}, **{"$t": 5})
    (call,) = recorded.sent()
    assert (call.args, call.kwargs) == (({"$ref": ["depot.Order", 1]},), {"$t": 5})


def test_a_record_tells_the_options_tube_and_lane(recorded: Recording) -> None:
    ayl.configure(app="depot", version="2")
    options = Options(7, 0, 60, 30, "slow", "bury", 5, 2, unreachable="synchronous")
    ayl.ayl_send_opts(Order(1), "ship", options, "ups")
    ayl.opts(delay=timedelta(minutes=1)).send(note, "")
    first, second = recorded.sent()
    assert (first.options, first.tube) == (options, "depot/2/slow")
    assert (second.options.delay, second.options.lane, second.tube) == (60, "", "depot/2")


def test_the_fuzz_is_in_the_priority(recorded: Recording) -> None:
    ayl.opts(priority=10, fuzz=5).send(note, "")
    options = recorded.sent()[0].options
    assert 10 <= options.priority <= 15
    assert options.fuzz == 0


def test_what_is_wrong_with_a_call_is_raised_as_in_production(recorded: Recording) -> None:
    with pytest.raises(ayl.AylError):
        ayl.send(Order(1).ship)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        ayl.send(note, print)
    assert len(recorded) == 0


def test_signed_messages_are_read_like_others(recorded: Recording) -> None:
    ayl.configure(secrets="one:0123456789abcdef")
    ayl.send(note, "socks")
    assert recorded.sent()[0].args == ("socks",)


def test_handles_answer_as_those_of_a_server_do(recorded: Recording) -> None:
    now, later = ayl.send(note, 1), ayl.opts(delay=5).send(note, 2)
    assert (now.state, now.job_id, later.job_id) == (State.SUBMITTED, 1, 2)
    assert (now.job_state(), later.job_state()) == ("ready", "delayed")
    recorded.run_sent()
    assert (now.job_state(), now.cancel(), now.state) == (None, False, State.SUBMITTED)


def test_a_call_that_was_cancelled_was_not_sent(recorded: Recording) -> None:
    ayl.send(note, 1)
    handle = ayl.send(note, 2)
    assert handle.cancel()
    assert handle.state is State.CANCELLED
    assert [call.args for call in recorded.sent()] == [(1,)]
    assert not handle.cancel()


def test_clear_forgets_what_was_sent(recorded: Recording) -> None:
    ayl.send(note, 1)
    recorded.clear()
    ayl.send(note, 2)
    assert [call.args for call in recorded.sent()] == [(2,)]
    assert recorded.run_sent() == 1


def test_sends_from_other_threads_and_loops_are_recorded(recorded: Recording) -> None:
    thread = threading.Thread(target=ayl.send, args=(note, "thread"))
    thread.start()
    thread.join()

    async def main() -> None:
        await ayl.asend(note, "loop")
        await asyncio.to_thread(ayl.send, note, "both")

    asyncio.run(main())
    assert [call.args for call in recorded.sent()] == [("thread",), ("loop",), ("both",)]


def test_a_batch_is_recorded_at_its_end(recorded: Recording) -> None:
    with ayl.batch():
        ayl.send(note, 1)
        assert len(recorded) == 0
    assert len(recorded) == 1


def test_a_span_within_a_span_records_alone() -> None:
    with testing.recording() as outer:
        ayl.send(note, 1)
        with testing.recording() as inner:
            ayl.send(note, 2)
        ayl.send(note, 3)
    assert [call.args for call in outer.sent()] == [(1,), (3,)]
    assert [call.args for call in inner.sent()] == [(2,)]


# What a span leaves behind


def test_an_app_is_assumed_where_none_is_configured_and_only_there() -> None:
    with testing.recording() as sent:
        ayl.send(note, 1)
        assert sent.sent()[0].tube == "test/dev"
    assert settings.current().app == ""


def test_the_app_that_is_configured_is_kept() -> None:
    ayl.configure(app="depot", version="3")
    with testing.recording() as sent:
        assert ayl.send(note, 1).tube == "depot/3"
    assert len(sent) == 1
    assert settings.current().tube() == "depot/3"


def test_an_app_that_is_configured_within_the_span_outlives_it() -> None:
    # A module of the user's does so when it is imported, which happens once.
    with testing.recording():
        ayl.configure(app="depot")
        assert ayl.send(note, 1).tube == "depot/dev"
    assert settings.current().app == "depot"


def test_the_engine_is_the_old_one_after_the_span_even_when_it_raised() -> None:
    ayl.configure(app="depot", engine="synchronous")
    with suppress(ValueError), testing.recording():
        ayl.send(note, "recorded")
        raise ValueError("on purpose")
    ayl.send(note, "run")
    assert DONE == ["run"]


def test_an_engine_that_is_configured_within_the_span_takes_nothing_until_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[object] = []
    monkeypatch.setattr(SynchronousEngine, "submit", lambda _self, submissions: taken.append(submissions))
    with testing.recording() as sent:
        ayl.configure(engine="synchronous")
        ayl.send(note, 1)
    assert (len(sent), taken) == (1, [])


# The engine of the whole process


def test_the_engine_recording_keeps_what_is_sent_under_whatever_settings() -> None:
    testing_engine_is_empty()
    ayl.configure(app="depot", engine="recording")
    ayl.send(note, 1)
    ayl.configure(version="2")
    ayl.send(note, 2)
    assert [call.tube for call in testing.sent()] == ["depot/dev", "depot/2"]
    testing.assert_sent(note, 1)
    testing.assert_sent_times(1, note, 2)
    testing.assert_not_sent(note, 3)
    assert testing.run_sent() == 2
    testing.clear()
    testing.assert_nothing_sent()


def testing_engine_is_empty() -> None:
    ayl.configure(app="depot", engine="recording")
    testing.clear()


def test_a_span_goes_before_the_engine_recording() -> None:
    testing_engine_is_empty()
    with testing.recording():
        ayl.send(note, 1)
        assert len(testing.sent()) == 1
    assert testing.sent() == []


def test_where_nothing_is_recorded_the_error_says_how_to() -> None:
    with pytest.raises(RuntimeError, match="ayl_sent"):
        testing.assert_nothing_sent()
