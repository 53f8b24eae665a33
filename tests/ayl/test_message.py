"""The message: its exact keys, and that what is written is read again."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

import ayl
from ayl.message import decode, encode
from tests.ayl.conftest import written

if TYPE_CHECKING:
    from tests.ayl.conftest import Outbox


@ayl.model("message.Order")
class Order:
    id = 42

    @classmethod
    def find(cls, key: int) -> Order:
        return cls()

    def ship(self, carrier: str, *, insured: bool = False) -> None: ...


@ayl.task("message.restock")
def restock(number: int) -> None: ...


def test_a_call_is_written_down_with_these_keys_and_no_others(outbox: Outbox) -> None:
    before = time.time()
    handle = ayl.opts(failed_job_handler="bury", failed_job_count=5, failed_job_delay=7).send(
        Order().ship, "ups", insured=True
    )
    written = json.loads(outbox.submissions[0].body)
    assert before - 0.001 <= written.pop("sent") <= time.time() + 0.001
    assert list(written.items()) == [
        ("type", "ayl"),
        ("v", 1),
        ("app", "shop"),
        ("ver", "1.4.2"),
        ("do", "ship"),
        ("failed_job_handler", "bury"),
        ("failed_job_count", 5),
        ("failed_job_delay", 7),
        ("time_to_run", 120),
        ("id", handle.id),
        ("on", {"$ref": ["message.Order", 42]}),
        ("args", ["ups"]),
        ("kwargs", {"insured": True}),
    ]


def test_how_long_it_may_take_is_written_down_as_it_is_asked_for(outbox: Outbox) -> None:
    ayl.opts(time_to_run=5, keep_alive=True, time_limit=60).send(restock, 3)
    ayl.opts(keep_alive=False).send(restock, 3)
    asked, plain = outbox.messages
    assert (asked.time_to_run, asked.keep_alive, asked.time_limit) == (5, True, 60)
    assert (plain.time_to_run, plain.keep_alive, plain.time_limit) == (120, False, 0)
    assert outbox.submissions[0].time_to_run == 5
    assert b"keep_alive" not in outbox.submissions[1].body


def test_a_function_has_no_receiver(outbox: Outbox) -> None:
    ayl.send(restock, 3)
    written = json.loads(outbox.submissions[0].body)
    assert written.get("on") is None
    assert (written["do"], written["args"], written["kwargs"]) == ("message.restock", [3], {})


def test_the_class_itself_is_named_without_a_key(outbox: Outbox) -> None:
    ayl.ayl_send(Order, "find", 42)
    assert json.loads(outbox.submissions[0].body)["on"] == {"$ref": ["message.Order"]}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    # No lone surrogates: ayl.values marks text that UTF-8 cannot hold.
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=10,
)


@given(on=JSON, args=st.lists(JSON), kwargs=st.dictionaries(st.text("abc", min_size=1), JSON))
def test_whatever_json_holds_is_read_as_it_was_written(on: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
    message = written(on=on, do="ship", args=args, kwargs=kwargs)
    assert decode(encode(message)) == message
