"""SQLAlchemy 2 and SQLModel: mapped instances are named by their identity key, found in sessions of the job's own, and
sends wait for the commit of the session they are made in.

    from ayl.contrib import sqlalchemy as ayl_sqlalchemy
    ayl_sqlalchemy.bind(sessionmaker(engine))

Around each job one session is opened; it is committed when the call went well, rolled back when it raised, and
closed in any case. With several databases there is one for each that the job needs; with an `async_sessionmaker` the
whole job happens on an event loop.
"""

from ayl.contrib.sqlalchemy import saves, transactions
from ayl.contrib.sqlalchemy.factories import bind
from ayl.contrib.sqlalchemy.locator import LOCATOR, async_session, session

__all__ = ["LOCATOR", "async_session", "bind", "session"]

transactions.listen()
saves.listen()
