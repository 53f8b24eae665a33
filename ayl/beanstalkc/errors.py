"""What can go wrong, under the library's names.

    BeanstalkcException
    ├── CommandFailed       the server declined, as this command foresees: no such job, too big, draining
    ├── UnexpectedResponse  it answered something else: the name is none, it is out of memory, it is no beanstalkd
    ├── DeadlineSoon        a job that is reserved here is about to be lost: settle or touch it first
    └── SocketError         there is no connection, or it is lost: reconnect()

A body that is no text is an AssertionError, as there; one whose characters the encoding lacks a UnicodeEncodeError.
Neither sends anything.
"""

from __future__ import annotations


class BeanstalkcException(Exception):
    """The base of all errors of this package."""


class _Answer(BeanstalkcException):
    """An answer that is an error: `str()` shows the three as a tuple."""

    def __init__(self, command: str, status: str, results: list[str]) -> None:
        super().__init__(command, status, results)
        self.command = command
        """Its word: `stats-job`."""
        self.status = status
        """What the server said: `NOT_FOUND`."""
        self.results = results
        """The words behind that; nearly always none."""


class CommandFailed(_Answer):
    """The server declined in one of the ways that the command foresees, such as NOT_FOUND or JOB_TOO_BIG."""


class UnexpectedResponse(_Answer):
    """Any other answer. BAD_FORMAT: a name, number or id is none. The connection can be used on, unless the answer is
    no word of the protocol: then it is closed, for nobody knows what else comes."""


class DeadlineSoon(BeanstalkcException):
    """A job that is reserved by this connection has less than a second left, and nothing else is ready."""


class SocketError(BeanstalkcException):
    """The server cannot be reached, or the connection is closed, broken or too slow; its cause is the system's error.

    Whether the last command was carried out is not known. The jobs that were reserved here are the server's again.
    """
