"""Items by number: a dictionary to whoever asks, in pages that go with their last item."""

from __future__ import annotations

import tracemalloc

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ayl_server.numbered import PAGE_BITS, Numbered
from tests.conftest import examples

PAGE = 1 << PAGE_BITS

EDGES = [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE - 1, 2 * PAGE, 2**32, 2**63, 2**64 - PAGE, 2**64 - 1]
"""Where pages begin and end, and the largest numbers there are."""


class NumberedMachine(RuleBasedStateMachine):
    """Beside a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.items: Numbered[str] = Numbered()
        self.model: dict[int, str] = {}

    @rule(number=st.sampled_from(EDGES) | st.integers(0, 4 * PAGE))
    def add(self, number: int) -> None:
        if number not in self.model:
            self.model[number] = f"item {number}"
            self.items.add(number, f"item {number}")

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.model)))
        del self.model[number]
        self.items.remove(number)

    @rule(number=st.sampled_from(EDGES) | st.integers(0, 4 * PAGE))
    def get(self, number: int) -> None:
        assert self.items.get(number) == self.model.get(number)
        assert (number in self.items) == (number in self.model)

    @invariant()
    def it_holds_what_the_dictionary_holds(self) -> None:
        assert len(self.items) == len(self.model)
        assert sorted(self.items.numbers()) == sorted(self.model)
        assert list(self.items.values()) == [self.model[number] for number in self.items.numbers()]


TestNumbered = NumberedMachine.TestCase
TestNumbered.settings = settings(
    max_examples=examples(60), stateful_step_count=30, deadline=None, derandomize=True, database=None
)


def filled(count: int) -> Numbered[int]:
    items: Numbered[int] = Numbered()
    for number in range(count):
        items.add(number, number)
    return items


def test_items_come_in_the_order_of_their_numbers_if_they_were_given_in_that_order() -> None:
    items = filled(3 * PAGE)
    for number in range(0, 3 * PAGE, 3):
        items.remove(number)
    left = [number for number in range(3 * PAGE) if number % 3]
    assert list(items.numbers()) == left
    assert list(items.values()) == left


def test_an_empty_one_has_nothing() -> None:
    items: Numbered[int] = Numbered()
    assert (len(items), list(items.values()), items.get(0), 0 in items) == (0, [], None, False)


def test_memory_goes_with_the_items() -> None:
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    items = filled(20 * PAGE)
    full = tracemalloc.get_traced_memory()[0] - before
    for number in range(20 * PAGE):
        items.remove(number)
    left = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert left < full / 50


def test_a_number_may_come_back_after_its_page_was_forgotten() -> None:
    items = filled(1)
    items.remove(0)
    items.add(0, 5)
    assert items.get(0) == 5
