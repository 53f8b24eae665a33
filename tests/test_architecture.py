"""Who may know whom (docs/design.md, 4), checked on the syntax trees."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for room in ("ayl", "ayl_server")
    for path in sorted((ROOT / room).rglob("*.py"))
}

PURE = {
    "binlog.beanstalkd", "binlog.records", "binlog.replay", "broker", "commands", "connection", "model", "numbered",
    "protocol", "queues", "stats",
}  # fmt: skip
"""Modules of the server that are told the time and the bytes."""

WORLD = {
    "asyncio", "io", "logging", "multiprocessing", "os", "pathlib", "random", "resource", "secrets", "select",
    "selectors", "signal", "socket", "_socket", "subprocess", "sys", "tempfile", "threading", "time", "uuid", "uvloop",
}  # fmt: skip
"""What a pure module must not import."""

ONLY_IN = {
    "yaml": ("ayl.daemons", "ayl.beanstalkc"),
    "click": ("ayl.cli",),
    "sqlalchemy": ("ayl.contrib",),
    "django": ("ayl.contrib",),
    "peewee": ("ayl.contrib",),
    "sqlmodel": ("ayl.contrib",),
    "greenstalk": ("ayl.engines", "ayl.admin", "ayl.beanstalkc"),
    "tomllib": ("ayl.settings",),
    "uvloop": ("ayl_server.process",),
    "setproctitle": ("ayl.worker.proctitle",),
    "watchfiles": ("ayl.worker.changes",),
    "prometheus_client": ("ayl_server.metrics",),
    "mypyc": (),
    "msgspec": (
        "ayl.message", "ayl.life", "ayl.failures", "ayl.values", "ayl.composing", "ayl.engines.submissions",
        "ayl.manifest.surface",
    ),
    "pytest": ("ayl.pytest_plugin",),
}  # fmt: skip
"""A library and the rooms that may import it."""

NOWHERE = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "imp", "runpy", "code", "codeop"}

ENVIRONMENT_READERS = {
    "ayl.settings", "ayl.daemons.spec", "ayl.daemons.launching", "ayl.daemons.keeper", "ayl.daemons.company",
    "ayl_server.main", "ayl.worker.supervisor",
}  # fmt: skip
"""Besides the command line, who may look at the environment. (A supervisor hands it on to its workers; a keeper and who
starts one look for what systemd says there.)"""

IMPORTERS = {
    "ayl": "a constant table of our own modules",
    "ayl.cli.families": "constant tables of our own modules",
    "ayl.forks": "modules that another thread is importing already",
    "ayl.frameworks": "a constant table of our own modules",
    "ayl.loading": "the modules that the operator names with --require",
    "ayl.references": "a constant table of our own modules",
}
"""Who may import a module by its name, and where that name comes from: never from a message."""


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(), str(MODULES[module]))


@cache
def nodes(module: str) -> tuple[ast.AST, ...]:
    """Every node but those that only type checkers see."""

    def walk(node: ast.AST) -> Iterator[ast.AST]:
        yield node
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
                for other in child.orelse:
                    yield from walk(other)
            else:
                yield from walk(child)

    return tuple(walk(tree(module)))


@cache
def imports(module: str) -> frozenset[str]:
    """The modules that `module` imports, at whatever depth of its code, ours as full as they can be told."""
    found: set[str] = set()
    package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in nodes(module):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                found.add(full if full in MODULES else base)
    return frozenset(found)


def within(module: str, room: str) -> bool:
    return module == room or module.startswith(room + ".")


EVERY = pytest.mark.parametrize("module", MODULES)


@EVERY
def test_the_framework_and_the_server_meet_on_the_wire_only(module: str) -> None:
    other = "ayl_server" if within(module, "ayl") else "ayl"
    assert not [name for name in imports(module) if within(name, other)]


@pytest.mark.parametrize("module", [name for name in MODULES if name.removeprefix("ayl_server.") in PURE])
def test_a_pure_module_of_the_server_imports_nothing_of_the_world(module: str) -> None:
    assert not {name for name in imports(module) if name.partition(".")[0] in WORLD}


def test_the_pure_modules_are_those_of_the_design() -> None:
    (told,) = re.findall(r"`ayl_server\.\{(.*?)\}` import no socket", (ROOT / "docs" / "design.md").read_text())
    assert set(told.split(", ")) == PURE
    assert {f"ayl_server.{name}" for name in PURE} <= MODULES.keys()


@pytest.mark.parametrize("module", [name for name in MODULES if name.removeprefix("ayl_server.") in PURE])
def test_a_pure_module_knows_none_that_is_not(module: str) -> None:
    ours = {name.removeprefix("ayl_server.") for name in imports(module) if within(name, "ayl_server")}
    assert ours - {"ayl_server"} <= PURE


@pytest.mark.parametrize("module", [name for name in MODULES if name.removeprefix("ayl_server.") in PURE])
def test_nothing_of_the_broker_knows_the_binlog(module: str) -> None:
    if not within(module, "ayl_server.binlog"):
        assert not [name for name in imports(module) if within(name, "ayl_server.binlog")]


@EVERY
def test_engines_and_workers_meet_in_messages_and_leases_only(module: str) -> None:
    if within(module, "ayl.engines"):
        assert not {name for name in imports(module) if within(name, "ayl.worker")}
    if within(module, "ayl.worker"):
        engines = {name for name in imports(module) if within(name, "ayl.engines")}
        assert engines <= {"ayl.engines", "ayl.engines.base"}


@EVERY
def test_the_command_line_goes_through_admin(module: str) -> None:
    if within(module, "ayl.cli"):
        assert not {name for name in imports(module) if within(name, "ayl.engines")}


def test_the_map_of_rooms_has_every_module_of_daemons() -> None:
    text = (ROOT / "docs" / "design.md").read_text()
    (room,) = re.findall(r"^      daemons/ +(.*?)^$", text, re.MULTILINE | re.DOTALL)
    modules = {path.stem for path in (ROOT / "ayl" / "daemons").rglob("*.py")} - {"__init__"}
    assert not {name for name in modules if not re.search(rf"\b{name}\b", room)}


@EVERY
def test_each_library_stays_in_its_room(module: str) -> None:
    for library, rooms in ONLY_IN.items():
        if any(within(name, library) for name in imports(module)):
            assert any(within(module, room) for room in rooms), f"{library} does not belong into {module}"


@EVERY
def test_only_settings_and_commands_read_the_environment(module: str) -> None:
    reads = [
        node
        for node in nodes(module)
        if isinstance(node, ast.Attribute)
        and node.attr in ("environ", "environb", "getenv")
        and isinstance(node.value, ast.Name)
    ]
    assert not reads or module in ENVIRONMENT_READERS or within(module, "ayl.cli")


@EVERY
def test_nothing_is_evaluated_or_unpickled(module: str) -> None:
    assert not {name for name in imports(module) if name.partition(".")[0] in NOWHERE}
    called = {node.func.id for node in nodes(module) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"eval", "exec", "compile", "__import__", "globals"}


@EVERY
def test_modules_are_imported_by_name_only_where_the_name_is_ours(module: str) -> None:
    if any(within(name, "importlib") and not within(name, "importlib.metadata") for name in imports(module)):
        importing = [node for node in nodes(module) if isinstance(node, ast.Name) and node.id == "import_module"]
        assert not importing or module in IMPORTERS


def test_there_are_no_import_cycles() -> None:
    ours = {module: {name for name in imports(module) if name in MODULES and name != module} for module in MODULES}
    # A package's own __init__ is run before its modules, but they do not depend on what it gathers.
    edges = {module: {name for name in found if not within(module, name)} for module, found in ours.items()}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module not in done:
            for name in sorted(edges[module]):
                visit(name, (*path, module))
            done.add(module)

    for module in sorted(MODULES):
        visit(module, ())


def test_modules_are_nouns_of_the_glossary() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "tools", "base_utils"}
    assert not {module for module in MODULES if module.rpartition(".")[2] in vague}


def test_a_forbidden_import_would_be_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text(
        "def f():\n    import pickle, ayl_server.broker\n    from .engines import base\n    return eval('1')\n"
    )
    monkeypatch.setitem(MODULES, "ayl.bad", bad)
    assert imports("ayl.bad") == {"pickle", "ayl_server.broker", "ayl.engines.base"}
    with pytest.raises(AssertionError):
        test_the_framework_and_the_server_meet_on_the_wire_only("ayl.bad")
    with pytest.raises(AssertionError):
        test_nothing_is_evaluated_or_unpickled("ayl.bad")
