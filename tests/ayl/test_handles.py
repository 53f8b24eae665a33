"""What a send gives back tells where the call is, and takes it back while nobody has begun it."""

from __future__ import annotations

import gc
import re
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl import State, commits
from ayl.engines.submissions import Receipt
from ayl.errors import NotConfigured, Refused, Unreachable
from ayl.identifiers import uuid7_beginning, uuid7_rests

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ayl.conftest import Outbox, Server

LOG: list[int] = []


@ayl.task("handles.note")
def note(number: int) -> None:
    LOG.append(number)


@ayl.task("handles.fail")
def fail(number: int) -> None:
    raise ValueError(number)


class Transaction:
    """A framework's, open until it is told."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def watch(self, _named: object) -> list[commits.OnCommit]:
        return [self.waiting.append]

    def commit(self) -> None:
        waiting, self.waiting = self.waiting, []
        for send in waiting:
            send()

    def rollback(self) -> None:
        self.waiting = []
        gc.collect()


@pytest.fixture
def transaction(monkeypatch: pytest.MonkeyPatch) -> Transaction:
    opened = Transaction()
    monkeypatch.setattr(commits, "WATCHERS", [opened.watch])
    return opened


def numbers(outbox: Outbox) -> list[int]:
    return [message.args[0] for message in outbox.messages]


# States


def test_an_id_and_a_tube_are_known_at_once_and_stay(outbox: Outbox, transaction: Transaction) -> None:
    handle = ayl.opts(lane="slow").send(note, 1)
    known = handle.id
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", known)
    assert len(known) == len(uuid7_beginning(0) + uuid7_rests(bytes(9))[0])
    assert handle.tube == "shop/1.4.2/slow"
    transaction.commit()
    assert outbox.messages[0].id == handle.id == known


def test_a_call_that_a_server_has_is_submitted(outbox: Outbox) -> None:
    handle = ayl.send(note, 1)
    assert (handle.state, handle.job_id, handle.error) == (State.SUBMITTED, 1, None)


def test_a_call_waits_for_its_commit_and_is_submitted_then(outbox: Outbox, transaction: Transaction) -> None:
    handle = ayl.send(note, 1)
    assert (handle.state, handle.job_id, handle.job_state()) == (State.UNCOMMITTED, None, None)
    transaction.commit()
    assert (handle.state, handle.job_id) == (State.SUBMITTED, 1)


def test_a_call_whose_transaction_is_rolled_back_is_dropped(outbox: Outbox, transaction: Transaction) -> None:
    handle = ayl.send(note, 1)
    transaction.rollback()
    assert (handle.state, handle.job_id, outbox.writes) == (State.DROPPED, None, [])


def test_a_call_in_a_batch_says_so_until_the_batch_leaves(outbox: Outbox) -> None:
    with ayl.batch():
        handle = ayl.send(note, 1)
        states = [handle.state]
    assert [*states, handle.state] == [State.BATCHED, State.SUBMITTED]


def test_a_call_in_a_transaction_in_a_batch_waits_for_both(outbox: Outbox, transaction: Transaction) -> None:
    with ayl.batch():
        handle = ayl.send(note, 1)
        states = [handle.state]
        transaction.commit()
        states.append(handle.state)
        assert outbox.writes == []
    assert [*states, handle.state] == [State.UNCOMMITTED, State.BATCHED, State.SUBMITTED]


def test_a_call_that_is_committed_after_its_batch_leaves_at_the_commit(
    outbox: Outbox, transaction: Transaction
) -> None:
    with ayl.batch() as batch:
        handle = ayl.send(note, 1)
    assert (handle.state, batch.sent, outbox.writes) == (State.UNCOMMITTED, 0, [])
    transaction.commit()
    assert (handle.state, numbers(outbox)) == (State.SUBMITTED, [1])


def test_a_call_that_ran_in_place_says_so(inline: None) -> None:
    handle = ayl.send(note, 1)
    assert (handle.state, handle.job_id, handle.job_state(), handle.cancel()) == (State.RAN, None, None, False)


def test_calls_that_ran_in_place_say_so_when_one_of_them_raised(inline: None) -> None:
    with pytest.raises(ValueError, match="2"), ayl.batch() as batch:
        handles = [ayl.send(note, 1), ayl.send(fail, 2), ayl.send(note, 3)]
    assert [handle.state for handle in handles] == [State.RAN] * 3
    assert [handle.cancel() for handle in handles] == [False] * 3
    assert batch.sent == 3


def test_a_call_that_raised_in_place_after_its_commit_was_not_dropped(inline: None, transaction: Transaction) -> None:
    handle = ayl.send(fail, 1)
    with pytest.raises(ValueError, match="1"):
        transaction.commit()
    transaction.rollback()
    assert handle.state is State.RAN


def test_a_batch_that_no_engine_could_be_made_for_has_sent_nothing() -> None:
    ayl.configure(app="shop", engine="carrier-pigeon")
    with pytest.raises(NotConfigured), ayl.batch() as batch:
        handle = ayl.send(note, 1)
    assert (batch.sent, handle.state, handle.job_id) == (0, State.REFUSED, None)
    assert "carrier-pigeon" in str(handle.error)


def test_a_call_that_no_engine_can_be_made_for_at_its_commit_is_refused_and_not_rolled_back(
    transaction: Transaction,
) -> None:
    ayl.configure(app="shop", engine="carrier-pigeon")
    handle = ayl.send(note, 1)
    with pytest.raises(NotConfigured, match="carrier-pigeon") as caught:
        transaction.commit()
    assert (handle.state, handle.error) == (State.REFUSED, caught.value)


def test_a_call_that_no_server_takes_after_its_commit_is_refused(outbox: Outbox, transaction: Transaction) -> None:
    outbox.refuse = lambda _number: Refused("no room")
    handle = ayl.send(note, 1)
    with pytest.raises(Refused, match="no room"):
        transaction.commit()
    assert (handle.state, str(handle.error), handle.cancel()) == (State.REFUSED, "no room", False)


# Taking a call back


def test_a_call_that_is_cancelled_before_its_commit_never_leaves(outbox: Outbox, transaction: Transaction) -> None:
    kept, cancelled = ayl.send(note, 1), ayl.send(note, 2)
    assert cancelled.cancel()
    assert cancelled.state is State.CANCELLED
    transaction.commit()
    assert numbers(outbox) == [1]
    assert (kept.state, cancelled.state) == (State.SUBMITTED, State.CANCELLED)


def test_a_cancelled_call_stays_cancelled_when_its_transaction_is_rolled_back(
    outbox: Outbox, transaction: Transaction
) -> None:
    handle = ayl.send(note, 1)
    handle.cancel()
    transaction.rollback()
    assert handle.state is State.CANCELLED


def test_a_call_that_is_cancelled_in_a_batch_never_leaves(outbox: Outbox) -> None:
    with ayl.batch() as batch:
        handles = [ayl.send(note, number) for number in range(3)]
        assert handles[1].cancel()
    assert numbers(outbox) == [0, 2]
    assert batch.sent == 2
    assert [handle.state for handle in handles] == [State.SUBMITTED, State.CANCELLED, State.SUBMITTED]


def test_a_call_that_is_just_leaving_with_its_batch_cannot_be_taken_back(outbox: Outbox) -> None:
    said = []

    def another_thread_cancels(_number: int) -> None:
        said.append(handle.cancel())

    with ayl.batch():
        handle = ayl.send(note, 1)
        outbox.refuse = another_thread_cancels
    assert (said, handle.state) == ([False], State.SUBMITTED)


def test_a_batch_of_which_every_call_was_cancelled_writes_nothing(outbox: Outbox) -> None:
    with ayl.batch():
        assert ayl.send(note, 1).cancel()
    assert outbox.writes == []


def test_a_call_is_cancelled_once(outbox: Outbox) -> None:
    with ayl.batch():
        handle = ayl.send(note, 1)
        assert [handle.cancel(), handle.cancel()] == [True, False]


def test_a_dropped_call_cannot_be_cancelled(outbox: Outbox, transaction: Transaction) -> None:
    handle = ayl.send(note, 1)
    transaction.rollback()
    assert (handle.cancel(), handle.state) == (False, State.DROPPED)


@pytest.mark.parametrize(("options", "state"), [({}, "ready"), ({"delay": 3600}, "delayed")], ids=["ready", "delayed"])
def test_a_job_that_waits_in_the_server_is_deleted_there(
    options: dict[str, int], state: str, server: Server, tube: str
) -> None:
    handle = ayl.opts(**options).send(note, 1)
    assert handle.job_state() == state
    assert handle.cancel()
    assert (handle.state, handle.job_state(), handle.cancel()) == (State.CANCELLED, None, False)
    assert server.take(tube) == []


def test_a_job_that_a_worker_holds_cannot_be_taken_back(server: Server, tube: str) -> None:
    handle = ayl.send(note, 1)
    with server.client(tube) as worker:
        job = worker.reserve(timeout=5)
        assert handle.job_state() == "reserved"
        assert (handle.cancel(), handle.state) == (False, State.SUBMITTED)
        worker.delete(job)
    assert (handle.job_state(), handle.cancel(), handle.state) == (None, False, State.SUBMITTED)


def test_a_buried_job_can_be_taken_back(server: Server, tube: str) -> None:
    handle = ayl.send(note, 1)
    with server.client(tube) as worker:
        worker.bury(worker.reserve(timeout=5))
    assert handle.job_state() == "buried"
    assert handle.cancel()
    assert handle.job_state() is None


def test_a_job_sent_in_a_batch_can_be_taken_back(server: Server, tube: str) -> None:
    first, second = ayl.send_many([(note, 1), (note, 2)])
    assert first.cancel()
    assert [message.id for message in server.take(tube)] == [second.id]


def test_while_the_server_is_away_nothing_is_known(own_server: Server) -> None:
    handle = ayl.send(note, 1)
    own_server.stop()
    with pytest.raises(Unreachable):
        handle.cancel()
    with pytest.raises(Unreachable):
        handle.job_state()
    assert handle.state is State.SUBMITTED


def test_after_a_restart_of_the_server_a_handle_asks_the_new_one(own_server: Server) -> None:
    handle = ayl.send(note, 1)
    own_server.stop()
    own_server.start()
    assert (handle.job_state(), handle.cancel(), handle.state) == (None, False, State.SUBMITTED)


def test_after_a_restart_a_handle_leaves_the_job_alone_that_has_got_its_jobs_id(own_server: Server) -> None:
    handle = ayl.send(note, 1)
    own_server.stop()  # it kept nothing on a disk, so it counts from 1 again
    own_server.start()
    other = ayl.ayl_send([], "append", handle.id)  # which even names the message
    with own_server.client(handle.tube) as client:
        foreign = client.put(b"not a message of ayl")
    assert other.job_id == handle.job_id
    assert (handle.job_state(), handle.cancel(), handle.state) == (None, False, State.SUBMITTED)
    assert other.job_state() == "ready"
    engine, receipt = other._engine, other._receipt
    assert engine is not None
    assert receipt is not None
    assert not engine.withdraw(Receipt(receipt.state, foreign, receipt.place), other.id)
    assert other.cancel()


# In words


def test_a_handle_says_in_words_where_the_call_is(outbox: Outbox, transaction: Transaction) -> None:
    handle = ayl.send(note, 1)
    assert repr(handle) == f"<ayl.Handle {handle.id} in shop/1.4.2, waits for a commit>"
    transaction.commit()
    assert repr(handle) == f"<ayl.Handle {handle.id} in shop/1.4.2, submitted as job 1>"


def test_a_handle_of_a_refused_call_says_why(outbox: Outbox) -> None:
    outbox.refuse = lambda _number: Refused("no room")
    with pytest.raises(Refused), ayl.batch():
        handle = ayl.send(note, 1)
    assert repr(handle) == f"<ayl.Handle {handle.id} in shop/1.4.2, refused: no room>"


def test_every_state_has_words() -> None:
    assert all(state.value and state.value == state.value.strip() for state in State)
    assert len({state.value for state in State}) == len(State)
