"""Model hooks, with a framework that reports saves as ours do: which methods are sent, when, and when not."""

from __future__ import annotations

import gc
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl import State, commits, hooks
from ayl.errors import ArgumentsDoNotFit, InvalidOption, NotCallable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.ayl.conftest import Outbox


class Record(ayl.Sendable, ayl_name=None):
    """What a framework's base class does: an id at the first save, and a report of each."""

    def __init__(self, key: int, **facts: Any) -> None:
        self.id: int | None = None
        self._key = key
        self.facts = facts

    @classmethod
    def find(cls, key: int) -> Record:
        return cls(key)

    def save(self) -> None:
        created, self.id = self.id is None, self._key
        hooks.saved(self, created=created)


class Order(Record, ayl_name="hooks.Order"):
    @ayl.ayl_after_save
    def index(self) -> None: ...

    @ayl.ayl_after_create(options={"delay": 5})
    def welcome(self) -> None: ...

    @ayl.ayl_after_update(options=ayl.Options(priority=3))
    def compare(self) -> None: ...

    @ayl.ayl_after_commit
    def report(self) -> None: ...

    def ship(self) -> None: ...


class Conditional(Record, ayl_name="hooks.Conditional"):
    @ayl.ayl_after_save(if_=lambda record: record.facts.get("paid"))
    def ship(self) -> None: ...

    @ayl.ayl_after_save(unless=lambda record: record.facts.get("draft"))
    def publish(self) -> None: ...

    @ayl.ayl_after_save(if_=lambda record: record.facts.get("paid"), unless=lambda record: record.facts.get("draft"))
    def both(self) -> None: ...


class Twice(Record, ayl_name="hooks.Twice"):
    @ayl.ayl_after_create(options={"delay": 1})
    @ayl.ayl_after_update(options={"delay": 2})
    def touch(self) -> None: ...


class Overriding(Order, ayl_name="hooks.Overriding"):
    def index(self) -> None: ...  # with no hook: not sent any more

    @ayl.ayl_after_create
    def compare(self) -> None: ...  # another hook in the place of that one


class Plain(Record, ayl_name="hooks.Plain"):
    def ship(self) -> None: ...


class Once(Record, ayl_name="hooks.Once"):
    @ayl.ayl_after_commit
    def report(self) -> None: ...


class Counted(Record, ayl_name="hooks.Counted"):
    @classmethod
    @ayl.ayl_after_save
    def count(cls) -> None: ...


class Transactions:
    """A framework's: nested ones are savepoints; what is held back in one is let go of when that is rolled back."""

    def __init__(self) -> None:
        self.open: list[list[Callable[[], None]]] = []

    def watch(self, _named: object) -> list[commits.OnCommit]:
        return [self.open[-1].append] if self.open else []

    @contextmanager
    def begin(self) -> Iterator[None]:
        self.open.append([])
        try:
            yield
        except BaseException:
            self.open.pop()
            raise
        waiting = self.open.pop()
        if self.open:
            self.open[-1] += waiting
        else:
            for send in waiting:
                send()


@pytest.fixture
def transactions(monkeypatch: pytest.MonkeyPatch) -> Transactions:
    opened = Transactions()
    monkeypatch.setattr(commits, "WATCHERS", [opened.watch])
    return opened


def sent(outbox: Outbox) -> list[str]:
    return [message.do for message in outbox.messages]


# When


def test_the_first_save_sends_what_is_for_creation_and_later_ones_what_is_for_updates(outbox: Outbox) -> None:
    order = Order(42)
    order.save()
    assert sent(outbox) == ["index", "welcome", "report"]
    order.save()
    assert sent(outbox)[3:] == ["index", "compare", "report"]
    assert {str(message.on) for message in outbox.messages} == {"{'$ref': ['hooks.Order', 42]}"}


def test_a_hook_s_options_are_those_of_the_send(outbox: Outbox) -> None:
    order = Order(42)
    order.save()
    order.save()
    sent_with = zip(outbox.messages, outbox.submissions, strict=True)
    options = {message.do: (found.priority, found.delay) for message, found in sent_with}
    assert options == {"index": (512, 0), "welcome": (512, 5), "report": (512, 0), "compare": (3, 0)}


def test_a_method_may_have_several_hooks(outbox: Outbox) -> None:
    record = Twice(1)
    record.save()
    record.save()
    assert [submission.delay for submission in outbox.submissions] == [1, 2]


def test_a_class_method_may_have_hooks(outbox: Outbox) -> None:
    Counted(1).save()
    assert sent(outbox) == ["count"]


def test_a_class_without_hooks_sends_nothing(outbox: Outbox) -> None:
    Plain(1).save()
    assert hooks.hooks_of(Plain) == ()
    assert outbox.writes == []


@pytest.mark.parametrize(
    ("facts", "methods"),
    [
        ({}, ["publish"]),
        ({"paid": True}, ["ship", "publish", "both"]),
        ({"draft": True}, []),
        ({"paid": True, "draft": True}, ["ship"]),
        ({"paid": [], "draft": ""}, ["publish"]),
    ],
    ids=str,
)
def test_conditions_are_asked_with_the_object_when_it_is_saved(
    facts: dict[str, Any], methods: list[str], outbox: Outbox
) -> None:
    Conditional(1, **facts).save()
    assert sent(outbox) == methods


def test_conditions_are_asked_anew_at_each_save(outbox: Outbox) -> None:
    record = Conditional(1, draft=True)
    record.save()
    record.facts["draft"] = False
    record.save()
    assert sent(outbox) == ["publish"]


def test_a_subclass_has_the_hooks_of_its_base_unless_it_overrides_them(outbox: Outbox) -> None:
    record = Overriding(1)
    record.save()
    assert sorted(sent(outbox)) == ["compare", "report", "welcome"]
    record.save()
    assert sorted(sent(outbox)[3:]) == ["report"]


def test_what_a_condition_raises_comes_out_of_the_save(outbox: Outbox) -> None:
    class Broken(Record, ayl_name="hooks.Broken"):
        @ayl.ayl_after_save(if_=lambda record: record.nothing)
        def ship(self) -> None: ...

    with pytest.raises(AttributeError, match="nothing"):
        Broken(1).save()


# Declaring


def test_the_methods_stay_what_they_were() -> None:
    assert Order.index.__name__ == "index"
    Order(1).index()


def test_wrong_options_are_refused_where_they_are_written() -> None:
    with pytest.raises(InvalidOption, match="did you mean 'priority'"):
        ayl.ayl_after_save(options={"prioritty": 3})


@pytest.mark.parametrize("decorator", [ayl.ayl_after_save, ayl.ayl_after_commit()])
def test_a_private_method_is_refused_where_it_is_declared(decorator: Any) -> None:
    def _private(self: object) -> None: ...

    with pytest.raises(NotCallable, match="hooks are for public methods"):
        decorator(_private)


def test_a_method_that_needs_arguments_is_refused_where_it_is_declared() -> None:
    def ship(self: object, carrier: str) -> None: ...

    with pytest.raises(ArgumentsDoNotFit, match=r"hooks send a method without arguments, and .*ship: .*'carrier'"):
        ayl.ayl_after_save(ship)


def test_a_method_whose_arguments_may_be_left_out_may_have_hooks() -> None:
    def ship(self: object, carrier: str = "ups", *more: str, insured: bool = False, **rest: str) -> None: ...

    assert ayl.ayl_after_save(ship) is ship


# Transactions


def test_hooks_wait_for_the_commit(outbox: Outbox, transactions: Transactions) -> None:
    with transactions.begin():
        Order(42).save()
        assert outbox.writes == []
    assert sent(outbox) == ["index", "welcome", "report"]


def test_a_rollback_drops_them(outbox: Outbox, transactions: Transactions) -> None:
    with suppress(ValueError), transactions.begin():
        Order(42).save()
        raise ValueError("on purpose")
    assert outbox.writes == []


def test_after_commit_sends_once_however_often_the_object_is_saved(outbox: Outbox, transactions: Transactions) -> None:
    record = Once(42)
    with transactions.begin():
        for _ in range(3):
            record.save()
    assert sent(outbox) == ["report"]


def test_other_hooks_are_sent_for_each_save_of_a_transaction(outbox: Outbox, transactions: Transactions) -> None:
    record = Twice(42)
    with transactions.begin():
        for _ in range(3):
            record.save()
    assert [submission.delay for submission in outbox.submissions] == [1, 2, 2]


def test_after_commit_sends_once_for_each_transaction(outbox: Outbox, transactions: Transactions) -> None:
    record = Once(42)
    for _ in range(2):
        with transactions.begin():
            record.save()
            record.save()
    assert sent(outbox) == ["report", "report"]


def test_after_commit_outside_of_transactions_sends_at_each_save(outbox: Outbox) -> None:
    record = Once(42)
    record.save()
    record.save()
    assert sent(outbox) == ["report", "report"]


def test_after_commit_sends_once_for_each_object(outbox: Outbox, transactions: Transactions) -> None:
    records = [Once(number) for number in range(3)]
    with transactions.begin():
        for record in records * 2:
            record.save()
    assert [message.on["$ref"][1] for message in outbox.messages] == [0, 1, 2]


def test_after_commit_sends_for_objects_that_nobody_keeps(outbox: Outbox, transactions: Transactions) -> None:
    # The next may be put where the last one was, and have its id(): it is another object all the same.
    with transactions.begin():
        for number in range(100):
            Once(number).save()
    assert [message.on["$ref"][1] for message in outbox.messages] == list(range(100))


def test_after_commit_keeps_no_object_beyond_its_transaction(outbox: Outbox, transactions: Transactions) -> None:
    with transactions.begin():
        Once(42).save()
    gc.collect()
    assert not [found for found in gc.get_objects() if type(found) is Once]


def test_after_commit_is_sent_for_a_save_after_a_savepoint_that_was_rolled_back(
    outbox: Outbox, transactions: Transactions
) -> None:
    record = Once(42)
    with transactions.begin():
        with suppress(ValueError), transactions.begin():
            record.save()
            raise ValueError("on purpose")
        gc.collect()
        record.save()
    assert sent(outbox) == ["report"]


# Skipping


def test_within_the_span_saves_send_nothing(outbox: Outbox) -> None:
    order = Order(1)
    with ayl.skip_ayl_callbacks():
        order.save()
    assert outbox.writes == []
    order.save()
    assert sent(outbox) == ["index", "compare", "report"]


def test_a_class_can_be_skipped_with_its_subclasses(outbox: Outbox) -> None:
    with ayl.skip_ayl_callbacks(Order):
        Order(1).save()
        Overriding(2).save()
        Twice(3).save()
    assert sent(outbox) == ["touch"]


def test_single_methods_can_be_skipped(outbox: Outbox) -> None:
    with ayl.skip_ayl_callbacks(Order, "index", "report"):
        Order(1).save()
    assert sent(outbox) == ["welcome"]


def test_a_method_that_is_not_there_cannot_be_skipped() -> None:
    with pytest.raises(NotCallable, match="Order has no method 'indx'"), ayl.skip_ayl_callbacks(Order, "indx"):
        pass


def test_a_method_can_be_skipped_whatever_class_has_it(outbox: Outbox) -> None:
    with ayl.skip_ayl_callbacks(object, "index", "touch"):
        Order(1).save()
        Twice(1).save()
    assert sorted(sent(outbox)) == ["report", "welcome"]


def test_spans_add_up_and_end_one_by_one(outbox: Outbox) -> None:
    with ayl.skip_ayl_callbacks(Order, "index"):
        with ayl.skip_ayl_callbacks(Order, "welcome"):
            Order(1).save()
        Order(2).save()
    assert sent(outbox) == ["report", "welcome", "report"]


def test_a_span_that_raises_ends_too(outbox: Outbox) -> None:
    with pytest.raises(ValueError, match="on purpose"), ayl.skip_ayl_callbacks():
        raise ValueError("on purpose")
    Twice(1).save()
    assert sent(outbox) == ["touch"]


def test_sends_that_are_no_hooks_are_not_skipped(outbox: Outbox) -> None:
    order = Order(1)
    with ayl.skip_ayl_callbacks():
        order.save()
        handle = ayl.send(order.ship)
    assert handle.state is State.SUBMITTED
