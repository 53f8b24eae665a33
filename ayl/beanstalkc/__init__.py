"""The Python 2 library beanstalkc, for programs that were written for it: `import ayl.beanstalkc as beanstalkc`.

Names, defaults, answers and errors are the library's. What is different, and how to go on from here:
docs/migrating_from_beanstalkc.md.
"""

from ayl.beanstalkc.connection import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    DEFAULT_PRIORITY,
    DEFAULT_TTR,
    Connection,
)
from ayl.beanstalkc.errors import (
    BeanstalkcException,
    CommandFailed,
    DeadlineSoon,
    SocketError,
    UnexpectedResponse,
)
from ayl.beanstalkc.job import Job

__all__ = [
    "DEFAULT_HOST",
    "DEFAULT_PORT",
    "DEFAULT_PRIORITY",
    "DEFAULT_TTR",
    "BeanstalkcException",
    "CommandFailed",
    "Connection",
    "DeadlineSoon",
    "Job",
    "SocketError",
    "UnexpectedResponse",
]

for _error in (BeanstalkcException, CommandFailed, DeadlineSoon, SocketError, UnexpectedResponse):
    _error.__module__ = __name__  # a traceback names them as programs import them
