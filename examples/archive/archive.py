"""An archive of documents in a database, whose slow work is done at leisure.

The database is named by ARCHIVE_DATABASE. Workers load this module (`ayl_worker --require archive`), the demo
imports it; both mean the same classes.
"""

import os
import zlib
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, create_engine, event, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from words import count, read

import ayl
from ayl.contrib import sqlalchemy as ayl_sqlalchemy

ayl.configure(app="archive", version="1.0")

engine = create_engine(os.environ.get("ARCHIVE_DATABASE", "sqlite:///archive.db"), connect_args={"timeout": 30})
Sessions = sessionmaker(engine, expire_on_commit=False)
ayl_sqlalchemy.bind(Sessions)

TOP = 20
"""Words remembered of each document."""


@event.listens_for(engine, "connect")
def _let_readers_and_writers_meet(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


class Base(DeclarativeBase):
    """The archive's tables."""


class Document(Base, ayl.Sendable):
    """A file of the archive."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    folder: Mapped[str] = mapped_column(index=True)
    # Bytes, because a file's name need not be text.
    path: Mapped[bytes]
    words: Mapped[int | None]
    top: Mapped[dict[str, int] | None] = mapped_column(JSON)
    trouble: Mapped[str | None]

    @classmethod
    def of(cls, path: Path) -> "Document":
        """The document for a file, not yet indexed."""
        return cls(folder=os.fsencode(path.parent).decode(errors="backslashreplace"), path=os.fsencode(path))

    def index(self) -> None:
        """Read the file, count its words, remember the result. Safe to repeat."""
        try:
            counted = count(read(Path(os.fsdecode(self.path))))
        except (OSError, EOFError, zlib.error) as error:
            self.trouble = str(error)
            self.words, self.top = 0, {}
        else:
            self.words, self.top = counted.total(), dict(counted.most_common(TOP))


class Summary(Base):
    """What a folder holds, once all its documents are indexed."""

    __tablename__ = "summary"

    folder: Mapped[str] = mapped_column(primary_key=True)
    documents: Mapped[int]
    words: Mapped[int]


class Archive(ayl.Sendable):
    """The whole of it; its work is sent to the class."""

    @staticmethod
    def summarize(folder: str) -> None:
        """Add up a folder. Comes back later while some of its documents are not indexed."""
        session = ayl_sqlalchemy.session()
        documents, missing, words = session.execute(
            select(func.count(), func.count().filter(Document.words.is_(None)), func.sum(Document.words)).where(
                Document.folder == folder
            )
        ).one()
        if missing:
            raise ayl.Decay(1, f"{missing} documents of {folder} are not indexed yet")
        session.merge(Summary(folder=folder, documents=documents, words=words))


def create() -> Session:
    """A session on a database with the archive's tables."""
    Base.metadata.create_all(engine)
    return Sessions()
