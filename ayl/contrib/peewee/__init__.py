"""Peewee: instances are named by their primary key; calls wait for the commit of an open transaction.

Nothing has to be bound: a model knows its database. Around each job that names instances a connection is opened, and
what a job has opened is closed at its end. There is no transaction around the call: peewee commits each statement by
itself, and a method does in a worker what it does when it is called directly.
"""

from ayl.contrib.peewee import connections, saves, transactions
from ayl.contrib.peewee.locator import LOCATOR

__all__ = ["LOCATOR"]

# Once for each process: this is imported as soon as a class is registered and peewee is there.
connections.follow()
saves.follow()
transactions.follow()
