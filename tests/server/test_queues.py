"""The containers, compared with the simplest thing that could be right."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ayl_server.queues import NEVER, SWEEP_SLACK, Lane, Later, Ready, Timers


class Item:
    """What a job is to a container."""

    def __init__(self, number: int) -> None:
        self.id = number
        self.place: object = None
        self.priority = 0
        self.deadline = 0.0


class ReadyMachine(RuleBasedStateMachine):
    """A Ready beside a plain list of (priority, id)."""

    def __init__(self) -> None:
        super().__init__()
        self.ready: Ready[Item] = Ready(2)
        self.model: dict[int, Item] = {}
        self.out: dict[int, Item] = {}
        self.last = 0

    def _best(self) -> Item:
        return min(self.model.values(), key=lambda item: (item.priority, item.id))

    def _push(self, item: Item, priority: int) -> None:
        item.priority = priority
        self.ready.push(priority, item)
        self.model[item.id] = item

    @rule(priority=st.integers(0, 4), many=st.integers(1, 40))
    def new(self, priority: int, many: int) -> None:
        for _ in range(many):
            self.last += 1
            self._push(Item(self.last), priority)

    @precondition(lambda self: self.out)
    @rule(data=st.data(), priority=st.integers(0, 4))
    def come_back(self, data: Any, priority: int) -> None:
        self._push(self.out.pop(data.draw(st.sampled_from(sorted(self.out)))), priority)

    @rule(many=st.integers(1, 30))
    def pop(self, many: int) -> None:
        for _ in range(many):
            item = self.ready.pop()
            if not self.model:
                assert item is None
                return
            assert item is self._best()
            self.out[item.id] = self.model.pop(item.id)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), forget=st.booleans())
    def take_from_the_middle(self, data: Any, forget: bool) -> None:
        item = self.model.pop(data.draw(st.sampled_from(sorted(self.model))))
        self.ready.discard(item.priority, item)
        assert item.place is None
        if not forget:
            self.out[item.id] = item

    @invariant()
    def the_head_is_the_best(self) -> None:
        best = self._best() if self.model else None
        assert self.ready.head() is best
        assert self.ready.rank() == (None if best is None else (best.priority, best.id))

    @invariant()
    def the_counts_are_right(self) -> None:
        assert self.ready.count == len(self.model)
        assert self.ready.below == sum(item.priority < 2 for item in self.model.values())

    @invariant()
    def what_is_left_behind_is_bounded(self) -> None:
        lanes = [lane for lane in self.ready.lanes.values() if isinstance(lane, Lane)]
        entries = len(self.ready.heap) + sum(lane.entries for lane in lanes)
        assert entries <= 2 * len(self.model) + (SWEEP_SLACK + 1) * max(1, len(self.ready.lanes))


TestReady = ReadyMachine.TestCase


def test_lanes_that_are_used_once_each_do_not_pile_up_behind_a_better_one() -> None:
    ready: Ready[Item] = Ready()
    ready.push(0, Item(1))
    for number in range(2, 5000):
        item = Item(number)
        ready.push(number, item)
        ready.discard(number, item)
    assert len(ready.lanes) <= SWEEP_SLACK + 3
    first = ready.pop()
    assert first is not None
    assert first.id == 1
    assert ready.pop() is None


def test_jobs_deleted_from_the_middle_do_not_pile_up_behind_the_first() -> None:
    ready: Ready[Item] = Ready()
    ready.push(0, Item(0))
    for number in range(1, 5000):
        item = Item(number)
        ready.push(0, item)
        ready.discard(0, item)
    lane = ready.lanes[0]
    assert isinstance(lane, Lane)
    assert len(lane.line) <= SWEEP_SLACK + 3


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), max_size=300))
def test_later_hands_out_by_deadline_then_id(steps: list[tuple[bool, int]]) -> None:
    later: Later[Item] = Later()
    model: dict[int, Item] = {}
    for number, (push, when) in enumerate(steps):
        if push or not model:
            item = Item(number)
            item.deadline = float(when)
            later.push(item)
            model[number] = item
        else:
            gone = model.pop(sorted(model)[when % len(model)])
            later.discard(gone)
        best = min(model.values(), key=lambda item: (item.deadline, item.id), default=None)
        assert later.head() is best
        assert len(later) == len(model)
        assert len(later.heap) <= 2 * len(model) + SWEEP_SLACK


class Alarm:
    def __init__(self) -> None:
        self.armed = NEVER


@given(st.lists(st.tuples(st.sampled_from("adt"), st.integers(0, 9), st.integers(0, 50)), max_size=300))
def test_an_alarm_rings_once_at_the_earliest_time_it_was_armed_to(steps: list[tuple[str, int, int]]) -> None:
    timers: Timers[Alarm] = Timers()
    alarms = [Alarm() for _ in range(10)]
    model: dict[int, float] = {}
    now = 0.0
    for what, which, when in steps:
        if what == "a":
            timers.arm(alarms[which], now + when)
            model[which] = min(now + when, model.get(which, NEVER))
        elif what == "d":
            timers.disarm(alarms[which])
            model.pop(which, None)
        else:
            now += when
            rang = [alarms.index(alarm) for alarm in timers.due(now)]
            due = {which: at for which, at in model.items() if at <= now}
            assert sorted(rang) == sorted(due)
            assert [due[which] for which in rang] == sorted(due.values())
            model = {which: at for which, at in model.items() if at > now}
        assert timers.earliest <= min(model.values(), default=NEVER)
        assert timers.next() == min(model.values(), default=None)
        assert len(timers.heap) <= 2 * len(model) + SWEEP_SLACK + 1
