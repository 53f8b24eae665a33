"""Whatever atomic blocks a program nests, in two databases: what was committed is sent once, what was not is not."""

# mypy: disable-error-code="import-untyped"
# Django brings no types.

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from django.db.transaction import atomic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ayl
from ayl import State

from .market.models import Order

if TYPE_CHECKING:
    from tests.ayl.conftest import Outbox

ALIASES = ("default", "archive")


@ayl.task("market.tell")
def tell(number: int, named: list[Any]) -> None: ...


@dataclass(frozen=True)
class Send:
    """A call that names an object of each of these databases."""

    names: frozenset[str]


@dataclass(frozen=True)
class Block:
    """`with atomic(alias, savepoint=…)`, left by an exception or not."""

    alias: str
    savepoint: bool
    fails: bool
    steps: list[Send | Block]


SENDS = st.builds(Send, st.frozensets(st.sampled_from(ALIASES)))
STEPS = st.recursive(
    SENDS,
    lambda inner: st.builds(Block, st.sampled_from(ALIASES), st.booleans(), st.booleans(), st.lists(inner, max_size=4)),
    max_leaves=12,
)


class Undo(Exception):
    """Leaves a block."""


@dataclass
class Truth:
    """What the databases do, told without them."""

    waited: list[frozenset[str]] = field(default_factory=list)
    dropped: set[int] = field(default_factory=set)
    depth: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ALIASES, 0))
    broken: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(ALIASES, False))

    def take(self, step: Send | Block) -> None:
        if isinstance(step, Send):
            opened = frozenset(alias for alias in ALIASES if self.depth[alias])
            self.waited.append(step.names & opened or frozenset({"default"}) & opened or opened)
            return
        alias, begun = step.alias, len(self.waited)
        undoes = not self.depth[alias] or (step.savepoint and not self.broken[alias])
        self.depth[alias] += 1
        for inner in step.steps:
            self.take(inner)
        self.depth[alias] -= 1
        if not step.fails and not self.broken[alias]:
            return
        self.broken[alias] = not undoes  # a block without a savepoint takes the next one around it along
        if undoes:
            self.dropped |= {number for number in range(begun, len(self.waited)) if alias in self.waited[number]}


class Program:
    """The same with Django."""

    def __init__(self, named: dict[str, Any]) -> None:
        self.named = named
        self.handles: list[ayl.Handle] = []

    def take(self, step: Send | Block) -> None:
        if isinstance(step, Send):
            objects = [self.named[alias] for alias in sorted(step.names)]
            self.handles.append(ayl.send(tell, len(self.handles), objects))
            return
        with suppress(Undo), atomic(step.alias, savepoint=step.savepoint):
            for inner in step.steps:
                self.take(inner)
            if step.fails:
                raise Undo


@given(steps=st.lists(STEPS, min_size=1, max_size=4))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.usefixtures("database")
def test_what_was_committed_is_sent_once_and_nothing_else_is(outbox: Outbox, steps: list[Send | Block]) -> None:
    outbox.writes.clear()
    truth = Truth()
    program = Program({alias: Order.objects.using(alias).get_or_create(id=1)[0] for alias in ALIASES})
    for step in steps:
        truth.take(step)
        program.take(step)
    numbers = range(len(truth.waited))
    assert sorted(message.args[0] for message in outbox.messages) == [n for n in numbers if n not in truth.dropped]
    for number, handle in enumerate(program.handles):
        assert handle.state is (State.DROPPED if number in truth.dropped else State.SUBMITTED)
    # Messages of one transaction keep their order.
    for alias in ALIASES:
        own = [m.args[0] for m in outbox.messages if truth.waited[m.args[0]] == frozenset({alias})]
        assert own == sorted(own)
