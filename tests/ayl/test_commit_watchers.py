"""Who is asked whether a transaction is open, with what, and when our modules for frameworks are loaded."""

from __future__ import annotations

import sys
import threading
import types
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl import commits, frameworks
from ayl.batches import BATCH_SIZE
from ayl.handle import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.ayl.conftest import Outbox


class Order(ayl.Sendable, ayl_name="watched.Order"):
    def __init__(self, key: int) -> None:
        self.id = key

    @classmethod
    def find(cls, key: int) -> Order:
        return cls(key)

    def merge(self, *others: object, **more: object) -> None: ...

    @staticmethod
    def count() -> None: ...


@ayl.task("watched.note")
def note(number: int) -> None: ...


class Watcher:
    """Notes what it is asked, and answers with a transaction or without; with that of `owned` objects in any case."""

    def __init__(self, *, open_: bool, owned: Sequence[object] = ()) -> None:
        self.open = open_
        self.owned = owned
        self.asked: list[list[object]] = []
        self.waiting: list[Callable[[], None]] = []

    def __call__(self, named: Sequence[object]) -> list[commits.OnCommit]:
        self.asked.append([*named])
        concerned = any(obj in self.owned for obj in named) if named else self.open
        return [self.waiting.append] if concerned else []


@pytest.fixture
def watchers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Those in force; empty."""
    empty: list[Any] = []
    monkeypatch.setattr(commits, "WATCHERS", empty)
    return empty


def numbers(outbox: Outbox) -> list[int]:
    return [message.args[0] for message in outbox.messages]


def test_a_watcher_is_given_the_stored_objects_that_a_call_names(outbox: Outbox, watchers: list[Any]) -> None:
    watcher = Watcher(open_=False)
    watchers.append(watcher)
    first, second, third, fourth = map(Order, range(4))
    ayl.send(first.merge, 5, [second, {"deep": (third,)}], more=fourth)
    assert watcher.asked == [[first, second, third, fourth], []]


def test_classes_functions_and_values_are_no_stored_objects(outbox: Outbox, watchers: list[Any]) -> None:
    watcher = Watcher(open_=False)
    watchers.append(watcher)
    ayl.send(Order.count)
    ayl.send(note, 1)
    ayl.ayl_send([1], "append", 2)
    assert watcher.asked == [[], [], []]


def test_the_first_watcher_that_knows_of_a_transaction_decides(outbox: Outbox, watchers: list[Any]) -> None:
    closed, first, second = Watcher(open_=False), Watcher(open_=True), Watcher(open_=True)
    watchers += [closed, first, second]
    ayl.send(note, 1)
    assert [len(watcher.asked) for watcher in (closed, first, second)] == [1, 1, 0]
    assert [len(watcher.waiting) for watcher in (closed, first, second)] == [0, 1, 0]
    assert outbox.writes == []


def test_the_transaction_of_a_named_object_goes_before_one_that_is_merely_open(
    outbox: Outbox, watchers: list[Any]
) -> None:
    order = Order(1)
    ambient, owner = Watcher(open_=True), Watcher(open_=True, owned=[order])
    watchers += [ambient, owner]
    ayl.send(order.merge)
    assert [len(watcher.waiting) for watcher in (ambient, owner)] == [0, 1]
    ayl.send(Order(2).merge)  # in nobody's transaction
    assert [len(watcher.waiting) for watcher in (ambient, owner)] == [1, 1]


def test_a_call_about_objects_in_several_transactions_waits_for_all_of_them(
    outbox: Outbox, watchers: list[Any]
) -> None:
    first, second = Order(1), Order(2)
    owners = [Watcher(open_=False, owned=[order]) for order in (first, second)]
    watchers += owners
    handles = [ayl.send(first.merge, second) for _ in range(2)]
    for owner in owners:
        assert outbox.writes == []
        owner.waiting.pop()()
    assert [handle.state for handle in handles] == [State.UNCOMMITTED, State.SUBMITTED]
    owners[0].waiting.pop()()
    owners[1].waiting.clear()  # a rollback
    assert [handle.state for handle in handles] == [State.DROPPED, State.SUBMITTED]


def test_without_a_transaction_a_call_leaves_at_once(outbox: Outbox, watchers: list[Any]) -> None:
    watchers.append(Watcher(open_=False))
    ayl.send(note, 1)
    assert numbers(outbox) == [1]


def test_after_commit_false_leaves_at_once_and_asks_nobody(outbox: Outbox, watchers: list[Any]) -> None:
    watcher = Watcher(open_=True)
    watchers.append(watcher)
    ayl.opts(after_commit=False).send(note, 1)
    ayl.ayl_send_opts(Order, "count", {"after_commit": False})
    assert len(outbox.writes) == 2
    assert watcher.asked == []


def test_after_commit_false_as_a_default_holds_for_all_but_those_that_say_otherwise(
    outbox: Outbox, watchers: list[Any]
) -> None:
    watchers.append(Watcher(open_=True))
    ayl.configure(defaults={"after_commit": False})
    ayl.send(note, 1)
    ayl.opts(after_commit=True).send(note, 2)
    assert numbers(outbox) == [1]


def test_what_is_wrong_with_a_call_is_raised_before_its_commit(outbox: Outbox, watchers: list[Any]) -> None:
    watcher = Watcher(open_=True)
    watchers.append(watcher)
    with pytest.raises(ayl.AylError):
        ayl.send(note)  # type: ignore[call-arg]
    assert watcher.waiting == []


def test_calls_leave_in_the_order_in_which_they_were_sent(outbox: Outbox, watchers: list[Any]) -> None:
    watcher = Watcher(open_=True)
    watchers.append(watcher)
    for number in range(5):
        ayl.send(note, number)
    for send in watcher.waiting:
        send()
    assert numbers(outbox) == [0, 1, 2, 3, 4]


def test_a_call_that_is_committed_twice_leaves_once(outbox: Outbox, watchers: list[Any]) -> None:
    watcher = Watcher(open_=True)
    watchers.append(watcher)
    ayl.send(note, 1)
    (send,) = watcher.waiting
    send()
    send()
    assert numbers(outbox) == [1]


def test_the_settings_are_those_of_the_send_and_not_of_the_commit(outbox: Outbox, watchers: list[Any]) -> None:
    watcher = Watcher(open_=True)
    watchers.append(watcher)
    ayl.send(note, 1)
    ayl.configure(app="other", version="9")
    watcher.waiting.pop()()
    assert [(sent.tube, message.app) for sent, message in zip(outbox.submissions, outbox.messages, strict=True)] == [
        ("shop/1.4.2", "shop")
    ]


def test_a_commit_in_a_batch_lets_a_full_one_leave(outbox: Outbox, watchers: list[Any]) -> None:
    watcher = Watcher(open_=True)
    watchers.append(watcher)
    for number in range(BATCH_SIZE + 1):
        ayl.send(note, number)
    with ayl.batch():
        for send in watcher.waiting:
            send()
        assert [len(write) for write in outbox.writes] == [BATCH_SIZE]
    assert numbers(outbox) == list(range(BATCH_SIZE + 1))


# Frameworks

OURS = """
from ayl import commits

ASKED = []


def watch(named):
    ASKED.append([*named])
    return ()


commits.WATCHERS.append(watch)
"""


@pytest.fixture
def framework(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, watchers: list[Any]) -> str:
    """An ORM that ayl knows and that nobody has imported; our module for it is `ours_for_it`."""
    (tmp_path / "ours_for_it.py").write_text(OURS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(frameworks, "_missing", {"an_orm": "ours_for_it"})
    monkeypatch.delitem(sys.modules, "ours_for_it", raising=False)
    return "an_orm"


def test_our_module_is_loaded_once_the_framework_is_and_not_before(
    outbox: Outbox, framework: str, monkeypatch: pytest.MonkeyPatch, watchers: list[Any]
) -> None:
    ayl.send(note, 1)
    assert "ours_for_it" not in sys.modules
    monkeypatch.setitem(sys.modules, framework, types.ModuleType(framework))
    ayl.send(note, 2)
    ayl.send(note, 3)
    assert (len(watchers), frameworks._missing) == (1, {})
    assert sys.modules["ours_for_it"].ASKED == [[], []]
    monkeypatch.delitem(sys.modules, "ours_for_it")


def test_a_thread_that_sends_while_our_module_is_being_loaded_waits_for_it(
    outbox: Outbox, framework: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, watchers: list[Any]
) -> None:
    gate: Any = types.ModuleType("gate")
    gate.begun, gate.go = threading.Event(), threading.Event()
    monkeypatch.setitem(sys.modules, "gate", gate)
    slow = "import gate\ngate.begun.set()\nassert gate.go.wait(10)\n"
    (tmp_path / "ours_for_it.py").write_text(slow + OURS)
    monkeypatch.setitem(sys.modules, framework, types.ModuleType(framework))
    threads = [threading.Thread(target=ayl.send, args=(note, number)) for number in range(2)]
    threads[0].start()
    assert gate.begun.wait(10)
    threads[1].start()
    threads[1].join(0.1)
    assert outbox.writes == []
    gate.go.set()
    for thread in threads:
        thread.join()
    assert len(outbox.writes) == 2
    assert sys.modules["ours_for_it"].ASKED == [[], []]
    monkeypatch.delitem(sys.modules, "ours_for_it")


def test_a_module_of_ours_that_cannot_be_loaded_is_an_error_of_every_send(
    outbox: Outbox, framework: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # If only the first said so, later sends would not wait for their commits, without a word.
    (tmp_path / "ours_for_it.py").write_text("import a_version_that_is_missing")
    monkeypatch.setitem(sys.modules, framework, types.ModuleType(framework))
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError, match="a_version_that_is_missing"):
            ayl.send(note, 1)
    assert outbox.writes == []
