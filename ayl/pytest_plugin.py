"""Fixtures for pytest: `ayl_sent`, `ayl_inline` and `ayl_at_once`. They are there once ayl is installed.

A whole suite that must reach no server: `@pytest.fixture(autouse=True)` in conftest.py on a fixture that takes
`ayl_sent`. A test that does not look at them: `@pytest.mark.usefixtures("ayl_inline")`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ayl.testing import Recording

# pytest imports this in every run, of whatever suite; so what the fixtures need is imported by the first that is used.


@pytest.fixture
def ayl_sent() -> Iterator[Recording]:
    """What the test sends: it is kept, goes nowhere, and is asserted with `ayl_sent.assert_sent(order.ship, "ups")`."""
    from ayl.testing import recording

    with recording() as sent:
        yield sent


@pytest.fixture
def ayl_inline() -> Iterator[Recording]:
    """Calls are made where they are sent; what they raise comes out of the send. They are recorded as by `ayl_sent`."""
    from ayl.testing import inline

    with inline() as sent:
        yield sent


@pytest.fixture
def ayl_at_once() -> Iterator[None]:
    """Sends wait for no commit: for tests in a transaction that is rolled back in the end. Goes with the others."""
    from ayl.testing import at_once

    with at_once():
        yield
