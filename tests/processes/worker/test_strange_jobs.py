"""Jobs that can never run: each is buried with a reason that an operator can read, never deleted, never tried again."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from .aftermath import Aftermath
from .workshop import Workshop, message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.processes.servers import Server


@dataclass(frozen=True)
class Case:
    """A body that no send of this app makes, and the reason for which it is buried."""

    body: bytes
    reason: str
    """A pattern for the worker's line on it."""


def control(**fields: object) -> bytes:
    return json.dumps({"type": "ayl-control", **fields}).encode()


def reference(*parts: object) -> dict[str, Any]:
    return {"$ref": [*parts]}


NO_MESSAGE = "not a message of ayl"
NOT_UNDERSTOOD = "a message that cannot be understood"
DEEP = "[" * 30_000 + "]" * 30_000
WIDE_NUMBER = "9" * 5_000

CASES = {
    "no bytes at all": Case(b"", NO_MESSAGE),
    "random bytes": Case(bytes(range(255, -1, -1)), NO_MESSAGE),
    "plain text": Case(b"please ship order 42", NO_MESSAGE),
    "half a message": Case(message()[:-9], NO_MESSAGE),
    "a list": Case(b"[1, 2, 3]", NO_MESSAGE),
    "null": Case(b"null", NO_MESSAGE),
    "an empty object": Case(b"{}", "its type is None"),
    "a message of another framework": Case(b'{"task": "shop.ship", "args": [42], "kwargs": {}}', "its type is None"),
    "a type that is no text": Case(message(type=5), "its type is 5"),
    "brackets without end": Case(DEEP.encode(), NO_MESSAGE),
    "a message of Ruby ayl": Case(
        b'{"type":"ayl","failed_job_handler":"delete","code":"Order.unscoped.find(42).ship"}', "Ruby ayl"
    ),
    "a message of another app": Case(message(app="another"), "another"),
    "a message of a later version": Case(message(v=2), "version 2"),
    "a message that does not say what to do": Case(message(do=...), NOT_UNDERSTOOD),
    "a message that says nothing to do": Case(message(do=""), NOT_UNDERSTOOD),
    "a method that is no text": Case(message(do=["note"]), NOT_UNDERSTOOD),
    "arguments that are no list": Case(message(args={"0": 1}), NOT_UNDERSTOOD),
    "named arguments that are no object": Case(message(kwargs=[1]), NOT_UNDERSTOOD),
    "a failed_job_count that is no number": Case(message(failed_job_count="3"), NOT_UNDERSTOOD),
    "a failed_job_delay below 0": Case(message(failed_job_delay=-1), ""),
    "a failed_job_delay beyond what the server takes": Case(message(failed_job_delay=2**32), ""),
    "arguments that nest without end": Case(message(args=["@", "word"]).replace(b'"@"', DEEP.encode()), ""),
    "arguments that nest too deep": Case(
        message(args=["@", "word"]).replace(b'"@"', b"[" * 400 + b"]" * 400), "deeper"
    ),
    "a number that is too long": Case(message(args=["@", "word"]).replace(b'"@"', WIDE_NUMBER.encode()), ""),
    "half a surrogate": Case(message(args=["nowhere", "\ud800"]), ""),
    "a receiver that is plain text of a class": Case(message(on="chores.Shelf", do="dust"), "chores.Shelf|str"),
    "an unknown class": Case(message(on=reference("chores.Vault"), do="open"), r"no class 'chores\.Vault'"),
    "an object of an unknown class": Case(message(on=reference("chores.Vault", 1), do="open"), "chores.Vault"),
    "an unknown class among the arguments": Case(message(args=[reference("chores.Vault"), "x"]), "chores.Vault"),
    "an unknown function": Case(message(do="chores.vanish"), r"no function 'chores\.vanish'"),
    "a function by its path": Case(message(do="os.system", args=["true"]), r"no function 'os\.system'"),
    "a method that is gone": Case(message(on=reference("chores.Shelf", "x"), do="paint"), r"paint does not exist"),
    "a private method": Case(message(on=reference("chores.Shelf", "x"), do="_hide", args=[]), "_hide is private"),
    "a method of every object": Case(message(on=reference("chores.Shelf", "x"), do="__init__"), "__init__ is private"),
    "an attribute": Case(message(on=reference("chores.Shelf", "x"), do="size", args=[]), "size is no method"),
    "a method of objects on the class": Case(
        message(on=reference("chores.Shelf"), do="label", args=["x"]), "method of instances"
    ),
    "too many arguments": Case(message(args=["a", "b", "c"]), r"chores\.note\(.*\).* does not accept"),
    "too few arguments": Case(message(args=["a"]), "missing a required argument: 'word'"),
    "an argument of another name": Case(message(args=["a"], kwargs={"wort": "b"}), "does not accept"),
    "an unknown tag": Case(message(args=[{"$t": ["money", 1]}, "x"]), "no tag 'money'"),
    "a tag without content": Case(message(args=[{"$t": ["datetime"]}, "x"]), "args cannot be understood"),
    "an empty reference": Case(message(on=reference(), do="label", args=["x"]), "."),
    "a reference that is no list": Case(message(on={"$ref": "chores.Shelf"}, do="dust"), "."),
    "a reference to a number": Case(message(args=[reference(5), "x"]), "args cannot be understood"),
    "a reference with too many parts": Case(message(on=reference("chores.Shelf", 1, 2), do="label", args=["x"]), "."),
    "a value that its class refuses": Case(
        message(do="chores.greet", args=["f", {"$t": ["value", "chores.Shy", {"size": 1}]}]), "chores.Shy"
    ),
    "arguments that cannot be shown": Case(
        message(args=[{"$t": ["value", "chores.Shy", {"name": "x"}]}, "x", "y"]), "does not accept"
    ),
    "a life that none of us has written": Case(
        b'{"life":{"tries":-1},' + message()[1:], "whose life cannot be understood"
    ),
    "a life of text": Case(b'{"life":{"tries":"1"},' + message()[1:], "whose life cannot be understood"),
    "an unknown order to workers": Case(control(do="dance"), "no such order to a worker: 'dance'"),
    "an order that says nothing": Case(control(), "control message that cannot be understood"),
    "an order that is no text": Case(control(do=5), "control message that cannot be understood"),
}


@pytest.fixture(scope="module")
def aftermath(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    """All cases, each with a priority of its own in the order above, met by one supervisor of one worker."""
    workshop = Workshop(server, tmp_path_factory.mktemp("strange"))
    try:
        jobs = [workshop.put(case.body, 100 + number) for number, case in enumerate(CASES.values())]
        supervisor = workshop.workers()
        met = Aftermath(workshop, supervisor, dict.fromkeys(jobs, 1))
        met.await_rest()
        yield met
    finally:
        workshop.close()


@pytest.mark.parametrize(("number", "case"), list(enumerate(CASES.values())), ids=CASES)
def test_it_is_buried_with_the_reason(aftermath: Aftermath, number: int, case: Case) -> None:
    end = aftermath.ending([*aftermath.tries][number])
    assert end.state == "buried"
    assert (end.job["reserves"], end.job["releases"], end.job["buries"]) == (1, 0, 1)
    assert end.job["pri"] == 100 + number
    assert len(end.log) == 1 or "failed after" in end.log[0]
    assert re.search(rf"job \d+.* buried: .*{case.reason}", end.log[-1])
    assert len(end.log[-1]) < 2000


def test_no_traceback_of_ours_is_logged(aftermath: Aftermath) -> None:
    assert "Traceback" not in aftermath.supervisor.log()


def test_nothing_of_it_was_called(aftermath: Aftermath) -> None:
    assert aftermath.workshop.diary() == []


def test_the_worker_outlives_them_all_and_goes_on(aftermath: Aftermath) -> None:
    folder = aftermath.workshop.folder
    aftermath.workshop.put(message(args=[{"$t": ["Path", str(folder)]}, "well"]))
    assert [aftermath.workshop.read("well").pid] == aftermath.supervisor.started()
