"""Testing code that sends: what was sent is kept and asserted, run in place, and waits for no commit.

    with ayl.testing.recording() as sent:
        order.pay()
    sent.assert_sent(order.ship, "ups")

With pytest the fixtures `ayl_sent`, `ayl_inline` and `ayl_at_once` do the same (`ayl.pytest_plugin`).
"""

from ayl.testing.calls import Reference, SentCall
from ayl.testing.expectations import ANY
from ayl.testing.recordings import Recording, TooManyCalls
from ayl.testing.spans import (
    assert_not_sent,
    assert_nothing_sent,
    assert_sent,
    assert_sent_times,
    at_once,
    clear,
    inline,
    recording,
    run_sent,
    sent,
)

__all__ = [
    "ANY",
    "Recording",
    "Reference",
    "SentCall",
    "TooManyCalls",
    "assert_not_sent",
    "assert_nothing_sent",
    "assert_sent",
    "assert_sent_times",
    "at_once",
    "clear",
    "inline",
    "recording",
    "run_sent",
    "sent",
]
