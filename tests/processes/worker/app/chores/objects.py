"""Values and objects, and chores that take them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import ayl

from .diary import write


@ayl.value("chores.Shy")
@dataclass
class Shy:
    """A value that cannot be shown."""

    name: str

    def __repr__(self) -> str:
        raise LookupError("not to be looked at")


@ayl.task("chores.greet")
def greet(folder: Path, shy: Shy) -> None:
    """Take a value as it is."""
    write(folder, shy.name)


@ayl.model("chores.Shelf")
class Shelf:
    """An object that lives as long as its file."""

    size = 3

    def __init__(self, path: str) -> None:
        self.id = path

    @classmethod
    def find(cls, key: str) -> Shelf | None:
        """The shelf of that path; None if its file is gone. A path into a closed store cannot be asked."""
        if "closed" in key:
            raise ConnectionError("the store is closed")
        return cls(key) if Path(key).exists() else None

    def label(self, word: str) -> None:
        """A method of the object."""
        write(Path(self.id).parent, word)

    @classmethod
    def count(cls, folder: Path, word: str) -> None:
        """A method of the class."""
        write(folder, f"{word}-{cls.__name__}")

    @staticmethod
    def dust(folder: Path, word: str) -> None:
        """A method of neither."""
        write(folder, word)

    def _hide(self) -> None:
        """Nothing that a message may call."""


@ayl.model("chores.Leaflet", gone="discard")
class Leaflet(Shelf):
    """Not missed when it is gone."""


@ayl.model("chores.Poster", gone="pass_none")
class Poster(Shelf):
    """None, when it is gone."""


@ayl.task("chores.show")
def show(folder: Path, word: str, *posters: object) -> None:
    """Take objects that may be gone."""
    write(folder, "-".join([word, *("gone" if poster is None else "there" for poster in posters)]))
