"""Hostile messages, each under a name that says what it tries. None of them may run, and none may be lost."""

from __future__ import annotations

import base64
import json
import pickle
import re
from typing import Any

HERE = "tests.ayl.hostile.app"
NEVER = "ayl_tripwire"
"""A module that can be imported and must not be."""

VALID: dict[str, Any] = {"type": "ayl", "v": 1, "id": "i", "app": "shop", "ver": "1", "on": None, "do": "hostile.task"}
SAFE = {"$ref": ["hostile.Safe", 1]}
CLASS = {"$ref": ["hostile.Safe"]}
MONEY = {"$t": ["value", "hostile.Money", {"amount": 1, "run": None}]}


class Pickled:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('unpickled')",)


PICKLE = base64.b64encode(pickle.dumps(Pickled())).decode()

NAMES = [
    "os.system", "builtins.eval", "eval", "exec", "__import__", "importlib.import_module", f"{NEVER}.Thing", NEVER,
    f"{HERE}.Unregistered", f"{HERE}.unregistered", f"{HERE}.task", "", ".", "..", "../app", "hostile.Safe.__class__",
    "hostile.task ", "Hostile.task", "hostile.task\0", "subprocess:Popen",
]  # fmt: skip
PRIVATE = [
    "_private", "__init__", "__class__", "__getattribute__", "__reduce_ex__", "__subclasshook__", "_", "__dict__",
    "__call__", "__del__", "__mro__", "_Safe__x", "__init_subclass__", "__ayl_find__",
]  # fmt: skip
NO_METHODS = [
    "total", "helper", "helper.run", "ship.__globals__", "listed", "mro", "nothing", "", "ship ", "ship\0", "id",
    "ayl_send", "ayl_send_opts", "ship\u200b", "\uff53hip", "ship()", "ship;", "take.__func__",
]  # fmt: skip
PATHS = ["touch", "unlink", "read_text", "open", "write_text", "rename", "symlink_to", "iterdir"]


def deep(levels: int) -> str:
    """Stands for so many lists in each other; Python's own encoder gives up on fewer."""
    return f"deep {levels}"


def _bytes(changes: dict[str, Any]) -> bytes:
    text = json.dumps(VALID | changes)
    return re.sub(r'"deep (\d+)"', lambda found: "[" * int(found[1]) + "]" * int(found[1]), text).encode()


def _calls() -> dict[str, dict[str, Any]]:
    """Changes to a valid message."""
    tries: dict[str, dict[str, Any]] = {}
    for name in NAMES:
        tries[f"call the function {name!r}"] = {"do": name, "args": ["true"]}
        tries[f"call a static method of {name!r}"] = {"on": {"$ref": [name]}, "do": "run"}
        tries[f"find an object of {name!r}"] = {"on": {"$ref": [name, 1]}, "do": "run"}
        tries[f"pass the class {name!r}"] = {"args": [{"$ref": [name]}]}
        tries[f"pass an object of {name!r}, deep inside"] = {"args": [[{"a": {"$ref": [name, 1]}}]]}
        tries[f"make a value of {name!r}"] = {"args": [{"$t": ["value", name, {}]}]}
        tries[f"make a member of {name!r}"] = {"args": [{"$t": ["enum", name, "x"]}]}
        tries[f"use the tag {name!r}"] = {"args": [{"$t": [name, "os"]}]}
    for where, on in {"an object": SAFE, "a class": CLASS, "a value": MONEY}.items():
        for do in PRIVATE:
            tries[f"call the private {do!r} of {where}"] = {"on": on, "do": do}
        for do in NO_METHODS:
            tries[f"call {do!r}, which is no method, of {where}"] = {"on": on, "do": do}
    for plain in [1, True, 1.5, "x", [], {}, {"$t": ["tuple", []]}]:
        tries[f"call a private name of the plain value {plain}"] = {"on": plain, "do": "__class__"}
    for do in ["format", "format_map", "__mod__", "__format__"]:
        tries[f"read attributes by text, with {do}"] = {"on": "{0.__class__}", "do": do, "args": [1]}
        tries[f"read attributes by the text of an Enum, with {do}"] = {
            "on": {"$t": ["enum", "hostile.Word", "HI"]},
            "do": do,
            "args": [1],
        }
    for do in PATHS:
        tries[f"reach the file system with Path.{do}"] = {"on": {"$t": ["Path", "/tmp/ayl-hostile"]}, "do": do}  # noqa: S108 - is never written
    no_references: list[Any] = [
        "os", [], {}, None, [1], [None], [["hostile.Safe"]], [[], 1], ["hostile.Safe", 1, 2],
    ]  # fmt: skip
    for parts in no_references:
        tries[f"refer with {parts}"] = {"on": {"$ref": parts}, "do": "take"}
    for tag in [None, [], "tuple", ["tuple"], [["tuple"]], {"a": 1}, [1], ["import", "os"], ["pickle", PICKLE]]:
        tries[f"mark a value with {str(tag)[:40]}"] = {"on": {"$t": tag}, "do": "run"}
    return tries | {
        "call a method as a function": {"do": "hostile.Safe.take"},
        "call into a function's globals": {"do": "hostile.task.__globals__"},
        "call the class itself": {"do": "hostile.Safe"},
        "call a method of instances on the class": {"on": CLASS, "do": "ship", "args": ["ups"]},
        "call a value that a field holds": {
            "on": {"$t": ["value", "hostile.Money", {"amount": 1, "run": CLASS}]},
            "do": "run",
        },
        "have a class called by sorting with it": {"on": [1, 2], "do": "sort", "kwargs": {"key": CLASS}},
        "call a method that its class does not list": {"on": {"$ref": ["hostile.Narrow", 1]}, "do": "empty"},
        "call it through a subclass": {"on": {"$ref": ["hostile.Narrower", 1]}, "do": "empty"},
        "call on the class what its base does not list": {"on": {"$ref": ["hostile.Narrower"]}, "do": "find"},
        "find an Enum": {"on": {"$ref": ["hostile.Word"]}, "do": "upper"},
        "find a value": {"on": {"$ref": ["hostile.Money", 1]}, "do": "_private"},
        "make a stored object as a value": {"on": {"$t": ["value", "hostile.Safe", {}]}, "do": "take"},
        "make an Enum as a value": {"args": [{"$t": ["value", "hostile.Word", {}]}]},
        "make a member of a value": {"args": [{"$t": ["enum", "hostile.Money", "amount"]}]},
        "make a private member": {"args": [{"$t": ["enum", "hostile.Word", "__class__"]}]},
        "make a combination that is none": {"args": [{"$t": ["flag", "hostile.Rights", 64]}]},
        "set a private attribute of a value": {
            "args": [{"$t": ["value", "hostile.Money", {"amount": 1, "run": None, "_private": 2}]}]
        },
        "set the class of a value": {"on": {"$t": ["value", "hostile.Money", {"__class__": 1}]}, "do": "_private"},
        "give a reference further keys": {"on": SAFE | {"x": 1}, "do": "ship", "args": ["ups"]},
        "give a reference a reference as its key": {"args": [{"$ref": ["hostile.Safe", SAFE]}]},
        "find an object that is not there": {"on": {"$ref": ["hostile.Safe", 2]}, "do": "ship", "args": ["ups"]},
        "find an object by a dict": {"on": {"$ref": ["hostile.Safe", {"a": 1}]}, "do": "ship", "args": ["ups"]},
        "leave an argument out": {"on": SAFE, "do": "ship"},
        "give an argument of another type": {"on": SAFE, "do": "ship", "args": [{"a": 1}]},
        "give an object for text": {"on": SAFE, "do": "ship", "args": [SAFE]},
        "give self twice": {"on": SAFE, "do": "ship", "args": ["ups"], "kwargs": {"self": 1}},
        "give self to a method that takes all names": {"on": SAFE, "do": "keep", "kwargs": {"self": 1}},
        "give self under odd names": {"on": SAFE, "do": "keep", "kwargs": {"$t": ["dict", [["self", 2]]]}},
        "name arguments by a class": {"on": CLASS, "do": "take", "kwargs": CLASS},
        "name arguments by an object": {"on": CLASS, "do": "take", "kwargs": SAFE},
        "name arguments by a tuple": {"on": CLASS, "do": "take", "kwargs": {"$t": ["tuple", [1]]}},
        "name arguments by numbers": {"on": CLASS, "do": "take", "kwargs": {"$t": ["dict", [[1, 2]]]}},
        "name an argument twice": {"on": CLASS, "do": "take", "kwargs": {"$t": ["dict", [["a", 2], ["a", 3]]]}},
        "mark named arguments as nothing": {"on": CLASS, "do": "take", "kwargs": {"$x": 1}},
        "mark a value as nothing": {"args": [{"$whatever": 1}]},
        "read a file as a time zone": {"args": [{"$t": ["datetime", "2026-01-01T00:00:00", "../../../etc/passwd"]}]},
        "read a file as an absolute time zone": {"args": [{"$t": ["datetime", "2026-01-01T00:00:00", "/etc/passwd"]}]},
        "import a package as a time zone": {"args": [{"$t": ["datetime", "2026-01-01T00:00:00", f"{NEVER}/os"]}]},
        "import a module as a time zone": {"args": [{"$t": ["datetime", "2026-01-01T00:00:00", "os"]}]},
        "make a number without end": {"args": [{"$t": ["int", "9" * 9000]}]},
        "make a number of underscores": {"args": [{"$t": ["int", "0x1_0"]}]},
        "make a set of what cannot be in one": {"args": [{"$t": ["set", [[1]]]}]},
        "make a dict with a key twice": {"args": [{"$t": ["dict", [[1, 1], [1, 2]]]}]},
        "make a Decimal that signals": {"args": [{"$t": ["Decimal", "sNaN1e"]}]},
        "nest as deep as may be": {"args": [deep(500)]},
        "nest deeper than can be told in an error": {"args": [deep(985)]},
        "nest a receiver": {"on": deep(985), "do": "append"},
        "nest tags": {"args": [{"$t": ["tuple", [deep(500)]]}]},
        "nest a type": {"type": deep(985)},
        "be of another app": {"app": "bank"},
        "be of no app": {"app": ""},
        "be of a later version": {"v": 2},
        "be a Ruby message": {"code": "`true`"},
        "be a Ruby message without text": {"code": None},
        "say nothing to do": {"do": ""},
        "be tried for ever": {"failed_job_count": 2**40},
        "order a worker to do something else": {"type": "ayl-control", "do": "__class__"},
        "order a worker with a list": {"type": "ayl-control", "do": ["exit"]},
    }


RAW: dict[str, bytes] = {
    "no bytes": b"",
    "a blank": b" ",
    "no UTF-8": b"\xff\xfe\x00\x01",
    "half a message": json.dumps(VALID).encode()[:-3],
    "two messages": json.dumps(VALID).encode() * 2,
    "brackets without end": b"[" * 60_000,
    "braces without end": b'{"type":' * 8_000,
    "a pickle": pickle.dumps(Pickled()),
    "a pickle as text": json.dumps(PICKLE).encode(),
    "YAML that makes objects": b"!!python/object/apply:os.system ['true']",
    "Ruby's YAML": b"--- !ruby/object:Order\nid: 1\n",
    "Python": b"__import__('os').system('true')",
    "NaN": b'{"type":"ayl","v":NaN}',
    "a number of 60,000 digits": b'{"type":"ayl","v":' + b"9" * 60_000 + b"}",
    "a lone surrogate": b'{"type":"\\ud800","v":1}',
    "a NUL in the type": b'{"type":"ayl\\u0000","v":1}',
    "the same key twice": json.dumps(VALID | {"do": ""}).encode()[:-1] + b',"do":""}',
}

CORPUS: dict[str, bytes] = {f"try to {name}": _bytes(changes) for name, changes in _calls().items()}
CORPUS |= {f"be {name}": body for name, body in RAW.items()}
