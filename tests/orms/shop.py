"""What the matrix of ORMs (test_matrix.py) asks of each: a shop with orders, in a real database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

SHIPPED: list[tuple[str, str]] = []
"""What the calls have done: (the order's note as the call saw it, carrier)."""


class Shop(Protocol):
    """One ORM's way of keeping orders. Each starts empty, with tables made.

    `Order` has an id made by the database, a text `note`, and a method `ship(carrier)` that appends
    `(self.note, carrier)` to SHIPPED. `Line` has the composite key (order_id, number), a text `note` and the same
    method; where the ORM has no composite keys there is none.
    """

    Order: type[Any]
    Line: type[Any] | None

    def saved(self, note: str) -> Any:
        """A new order, committed."""

    def saved_line(self, order_id: int, number: int, note: str) -> Any:
        """A new line, committed."""

    def unsaved(self, note: str) -> Any:
        """A new order that no database knows."""

    def deleted(self, obj: Any) -> None:
        """Delete the row of an order or a line, and commit."""

    def transaction(self) -> AbstractContextManager[object]:
        """Commits at its end, rolls back if it raises. Within another: a savepoint."""

    def added(self, note: str) -> Any:
        """A new order, written in the transaction that is open, and not committed."""

    def renamed(self, was: str) -> None:
        """Register `Order` anew as `shop.Purchase`, formerly `was`."""
