"""Every error that ayl raises, sorted by who must act.

    AylError
    ├── NotConfigured           the programmer: no app, or settings that make no sense
    ├── InvalidOption           the programmer: an option that is unknown or out of range
    ├── CannotSend              the programmer, at the call site: the call cannot be written down
    │   ├── NotRegistered       ... the class or function is not on the allow-list
    │   ├── NotCallable         ... there is no such public method
    │   ├── ArgumentsDoNotFit   ... the target's signature refuses these arguments
    │   ├── NotSaved            ... an object without identity cannot be named
    │   └── MessageTooLarge     ... the server would not take it
    ├── NotSubmitted            the operator: the call was fine but no server took it
    │   ├── Unreachable         ... none answers
    │   ├── Refused             ... it answered and declined
    │   │   └── RefusedForNow   ... because it is draining or out of memory, which passes
    │   ├── SpoolFull           ... and the calls that wait for one have filled `spool_limit`
    │   └── SpoolUnusable       ... and the directory where calls wait for one cannot be used
    ├── CannotRun               the operator, at the worker: the job is buried with this reason
    │   ├── Undecodable         ... its body is no message
    │   ├── NotTrusted          ... it is not signed as this worker's keys ask for
    │   ├── Gone                ... an object that it names exists no more
    │   └── Poison              ... it has killed its worker again and again
    ├── Unavailable             nobody yet: what holds the object does not answer; try again
    ├── WorkerDied              the programmer: the call has taken its process down
    └── TimeToRunExceeded       the programmer: the call took longer than it may

Apart from these, `Decay` and `Bury` are raised by users' code to say what shall become of its job, and `OutOfTime` is
raised within a call whose time to run is over.

A value that no message can hold is a plain `TypeError`, at the call site.
"""


class AylError(Exception):
    """The base of all errors of ayl."""


class NotConfigured(AylError):
    """A setting is missing or makes no sense; the message tells which, from where, and the line to add."""


class InvalidOption(AylError, ValueError):
    """An option is unknown, of the wrong type or out of range."""


class CannotSend(AylError):
    """A call that cannot be written down; raised where it is made."""


class NotRegistered(CannotSend, TypeError):
    """A class or function that was not declared with `@ayl.model` or `@ayl.task`."""


class NotCallable(CannotSend, AttributeError):
    """No public method of that name, or one that cannot be called on this kind of target."""


class ArgumentsDoNotFit(CannotSend, TypeError):
    """The target's signature does not accept these arguments."""


class NotSaved(CannotSend, ValueError):
    """An object that no database knows yet, so that no worker could find it."""


class MessageTooLarge(CannotSend, ValueError):
    """A message larger than the server accepts."""


class NotSubmitted(AylError):
    """A message was made but not accepted by any server."""


class Unreachable(NotSubmitted, ConnectionError):
    """No server answers."""


class Refused(NotSubmitted):
    """The server answered and did not take the message."""


class RefusedForNow(Refused):
    """The server takes no message at present: it is draining or out of memory."""


class SpoolFull(NotSubmitted):
    """No server answers, and the message would not fit into the spool any more."""


class SpoolUnusable(NotSubmitted):
    """The spool's directory is missing, on a disk that is full or failing, or not to be trusted."""


class CannotRun(AylError):
    """A job that can never run as it is; the worker buries it with this reason."""


class Undecodable(CannotRun, ValueError):
    """A body that is no message of ayl."""


class NotTrusted(CannotRun):
    """A message that was not signed, or not rightly; the worker has secrets."""


class Gone(CannotRun, LookupError):
    """An object named by a message exists no more. `policy` says what becomes of the job (`@ayl.model(gone=…)`)."""

    def __init__(self, message: str, policy: str = "bury") -> None:
        super().__init__(message)
        self.policy = policy


class Poison(CannotRun):
    """A call that has killed its worker so often that no other worker is risked for it."""


class WorkerDied(AylError):
    """The process that made a call has died of it: raised by whoever looks after that process, never in the call."""


class Unavailable(AylError):
    """What holds an object does not answer; the object may well exist."""


class TimeToRunExceeded(AylError, TimeoutError):
    """A call was ended because it had not ended by itself within its time to run."""


class OutOfTime(BaseException):
    """Raised within a call whose time to run is over, wherever it is; `except Exception` does not stop it."""


class Decay(Exception):
    """Raised by users' code: try this call again after `delay` seconds (default: its failed_job_delay)."""

    def __init__(self, delay: int | None = None, reason: str = "") -> None:
        if delay is not None and (type(delay) is not int or not 0 <= delay < 2**32):
            raise InvalidOption(f"Decay(delay) is a whole number of seconds from 0 to {2**32 - 1}, not {delay!r}")
        super().__init__(reason or "decay was asked for")
        self.delay = delay


class Bury(Exception):
    """Raised by users' code: put this call aside for an operator, with the reason."""

    def __init__(self, reason: str = "burial was asked for") -> None:
        super().__init__(reason)
