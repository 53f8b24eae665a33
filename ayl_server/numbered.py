"""Items by number, for numbers that are given in rising order and are forgotten again.

One large dictionary would have to be copied each time it grows, which stops everything for tens of milliseconds at a
million items, and would never become smaller. So it is cut into pages: a page stays small, and goes with its last item.
"""

from collections.abc import Iterator
from typing import Final, Generic, TypeVar

T = TypeVar("T")

PAGE_BITS: Final = 13
"""A page holds the numbers that differ in that many low bits."""


class Numbered(Generic[T]):
    """Items by number."""

    __slots__ = ("_pages",)

    def __init__(self) -> None:
        self._pages: dict[int, dict[int, T]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._pages.values()))

    def __contains__(self, number: int) -> bool:
        return self.get(number) is not None

    def get(self, number: int) -> T | None:
        """The item with that number, or None."""
        page = self._pages.get(number >> PAGE_BITS)
        return None if page is None else page.get(number)

    def add(self, number: int, item: T) -> None:
        """Take in an item whose number is free."""
        page = self._pages.get(number >> PAGE_BITS)
        if page is None:
            page = self._pages[number >> PAGE_BITS] = {}
        page[number] = item

    def remove(self, number: int) -> None:
        """Forget the item with that number, which is here."""
        page = self._pages[number >> PAGE_BITS]
        del page[number]
        if not page:
            del self._pages[number >> PAGE_BITS]

    def values(self) -> Iterator[T]:
        """Every item, in the order of their coming as far as that was the order of their numbers."""
        for page in self._pages.values():
            yield from page.values()

    def numbers(self) -> Iterator[int]:
        """The number of every item, in the same order."""
        for page in self._pages.values():
            yield from page
