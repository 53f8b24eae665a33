"""Files as such: what is no YAML, or none that anybody should be given; and fragments."""

from __future__ import annotations

import pytest

from ayl.daemons.spec.documents import MOST_BYTES
from ayl.daemons.spec.places import configured_path
from ayl.daemons.spec.problems import BadConfiguration
from ayl.daemons.spec.reading import read

from .machines import PATH, SHOP, Imagined, configured, problems

EMPTY = " is empty; expected server, or applications"

FILES = {
    "a tab": (b"server:\n\tport: 1\n", "2:1: a tab stands where YAML allows none; expected blanks"),
    "a tab behind": (b"server:\n  port:\n  \t- 1\n", "3:3: a tab stands where YAML allows none; expected blanks"),
    "empty": (b"", EMPTY),
    "blank": (b" \n\n", EMPTY),
    "only comments": (b"# nothing\n", EMPTY),
    "null": (b"~\n", "1:1: is empty; expected a mapping: the keys of the file"),
    "a list": (b"- a\n", "1:1: is a list; expected a mapping: the keys of the file"),
    "text": (b"hello\n", "1:1: is a single value; expected a mapping: the keys of the file"),
    "not UTF-8": (b"server:\n  user: caf\xe9\n", "2:12: byte 0xe9 is no UTF-8; expected UTF-8"),
    "UTF-16": ("server: {}\n".encode("utf-16"), "1:1: byte 0xff is no UTF-8; expected UTF-8"),
    "a BOM": (b"\xef\xbb\xbfserver: {}\n", "1:1: begins with a byte order mark; expected UTF-8 without one"),
    "a NUL": (b"server:\n  user: a\0b\n", "2:10: U+0000 is a character that YAML does not allow; expected text"),
    "no colon": (
        b"server:\n  port 1\n  user: x\n",
        "3:7: is no valid YAML: mapping values are not allowed here; expected `KEY: VALUE` lines, indented by blanks",
    ),
    "open quotes": (
        b'server:\n  user: "x\n',
        (
            "3:1: is no valid YAML: while scanning a quoted scalar, found unexpected end of stream; "
            "expected `KEY: VALUE` lines, indented by blanks"
        ),
    ),
    "open bracket": (
        b"server: {listen: [a\n",
        (
            "2:1: is no valid YAML: while parsing a flow sequence, expected ',' or ']', but got '<stream end>'; "
            "expected `KEY: VALUE` lines, indented by blanks"
        ),
    ),
    "two documents": (
        b"server: {}\n---\nserver: {}\n",
        (
            "2:1: is no valid YAML: expected a single document in the stream, but found another document; "
            "expected `KEY: VALUE` lines, indented by blanks"
        ),
    ),
    "no such anchor": (
        b"server: *x\n",
        "1:9: is no valid YAML: found undefined alias 'x'; expected `KEY: VALUE` lines, indented by blanks",
    ),
    "a Python object": (
        b"server: !!python/object/apply:os.system [id]\n",
        "1:9: the tag !!python/object/apply:os.system is not understood; expected a value without a tag",
    ),
    "a tag": (b"server: !x {}\n", "1:9: the tag !x is not understood; expected a value without a tag"),
    "a merge": (
        b"defaults: &d {}\nserver:\n  <<: *d\n",
        "3:3: merge keys (<<) are not understood; expected `defaults`, from which applications inherit",
    ),
    "an alias of itself": (
        b"server: &s\n  environment: *s\n",
        "1:9: an alias stands within what it stands for; expected one that ends",
    ),
    "huge": (b"#" * (MOST_BYTES + 1), " is larger than 1 MiB; expected less: spread it over fragments in conf.d"),
    "deep": (b"[" * 100_000, " is nested too deeply; expected at most a dozen levels"),
    "an unknown key": (
        b"servers: {}\n",
        "1:1: servers: unknown key; expected a key of the file; did you mean server?",
    ),
    "a key twice": (
        b"server: {}\nserver: {}\n",
        "2:1: server: stands here twice; expected once: the first is at 1:1",
    ),
    "a key that is a list": (b"? [a]\n: b\nserver: {}\n", "1:3: a key here is a list; expected a name"),
    "a key that is nothing": (b"~: b\nserver: {}\n", "1:1: a key here is empty; expected a name"),
    "nothing to run": (b"defaults: {}\n", " has nothing to run; expected server, or applications (here or in conf.d)"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_makes_no_sense_is_told(name: str) -> None:
    data, told = FILES[name]
    assert problems(data) == [told]


def test_a_few_lines_of_aliases_that_stand_for_very_much_are_refused_at_once() -> None:
    lines = ["a: &l0 [x, x]"] + [f"b{at}: &l{at} [{', '.join([f'*l{at - 1}'] * 10)}]" for at in range(1, 2000)]
    assert problems("\n".join(lines)) == [" has more than 100000 values with its aliases; expected fewer"]


def test_aliases_within_reason_are_welcome() -> None:
    text = SHOP.replace("web: {}", "web: &web {workers: 3}\n      rest: *web")
    assert [daemon.name for daemon in configured(text).daemons] == ["shop.web", "shop.rest"]


def refused(machine: Imagined) -> str:
    with pytest.raises(BadConfiguration) as caught:
        read(PATH, machine, {})
    return str(caught.value)


def test_a_file_that_is_not_there_is_told() -> None:
    told = f"{PATH}: does not exist; expected a file: --config or AYL_DAEMONS says which"
    assert refused(Imagined()) == told


def test_a_directory_is_told() -> None:
    assert refused(Imagined(directories={PATH})) == f"{PATH}: is a directory; expected a file"


def test_a_file_that_may_not_be_read_is_told() -> None:
    machine = Imagined({PATH: SHOP.encode()}, unreadable={PATH})
    assert refused(machine) == f"{PATH}: cannot be read (Permission denied); expected a file"


def test_a_file_that_everybody_can_write_is_refused() -> None:
    machine = Imagined({PATH: SHOP.encode()}, modes={PATH: 0o666})
    told = f"{PATH}: every user can write it, and so say what runs; expected chmod o-w {PATH}"
    assert refused(machine) == told


MAIL = SHOP.replace("  shop:", "  mail:")


def with_fragments(**fragments: str) -> Imagined:
    """Beside a file with the application shop."""
    files = {f"/etc/ayl/conf.d/{name}.yml": text.encode() for name, text in fragments.items()}
    return Imagined({PATH: f"defaults: {{workers: 3}}\n{SHOP}".encode(), **files})


def names(machine: Imagined) -> list[str]:
    return [daemon.name for daemon in read(PATH, machine, {}).daemons]


def test_fragments_add_applications_in_the_order_of_their_names() -> None:
    machine = with_fragments(b=MAIL, a=MAIL.replace("mail:", "archive:"))
    assert names(machine) == ["shop.web", "archive.web", "mail.web"]
    assert all(
        daemon.command[daemon.command.index("--workers") + 1] == "3" for daemon in read(PATH, machine, {}).daemons
    )


def test_a_fragment_may_be_switched_off_by_comments() -> None:
    assert names(with_fragments(a="# applications:\n")) == ["shop.web"]


def test_a_mistake_in_a_fragment_is_told_with_its_file() -> None:
    told = "/etc/ayl/conf.d/a.yml:8:5: applications.mail.usr: unknown key; expected a key of an application; "
    assert refused(with_fragments(a=f"{MAIL}    usr: x\n")) == f"{told}did you mean user?"


def test_a_fragment_has_nothing_but_applications() -> None:
    told = "/etc/ayl/conf.d/a.yml:1:1: defaults: unknown key; expected a key of a fragment: applications"
    assert refused(with_fragments(a="defaults: {}\n")) == told


def test_an_application_that_two_files_define_is_told_with_both_places() -> None:
    told = "/etc/ayl/conf.d/a.yml:2:3: applications.shop: is defined twice; expected once: the first is at "
    assert refused(with_fragments(a=SHOP)) == f"{told}{PATH}:3:3"


def test_a_file_beside_the_fragments_that_is_none_is_warned_of() -> None:
    machine = with_fragments()
    machine.files |= {"/etc/ayl/conf.d/a.yaml": b"", "/etc/ayl/conf.d/.a.yml.swp": b"", "/etc/ayl/conf.d/b.rpmnew": b""}
    assert [*map(str, read(PATH, machine, {}).warnings)] == [
        "/etc/ayl/conf.d/a.yaml: is not read: the names of fragments end in .yml",
        "/etc/ayl/conf.d/b.rpmnew: is not read: the names of fragments end in .yml",
    ]


def test_fragments_that_may_not_be_listed_or_read_are_told() -> None:
    machine = with_fragments(a=MAIL)
    machine.unreadable = {"/etc/ayl/conf.d"}
    assert refused(machine) == (
        "/etc/ayl/conf.d: cannot be read (Permission denied); expected a directory of fragments"
    )
    machine.unreadable = {"/etc/ayl/conf.d/a.yml"}
    assert refused(machine) == "/etc/ayl/conf.d/a.yml: cannot be read (Permission denied); expected a file"


def test_fragments_in_a_directory_that_everybody_can_write_are_refused() -> None:
    machine = with_fragments(a=MAIL)
    machine.modes = {"/etc/ayl/conf.d": 0o777}
    assert refused(machine).endswith("expected chmod o-w /etc/ayl/conf.d")


def test_the_option_comes_before_the_variable_and_that_before_the_files_place() -> None:
    assert configured_path("a", {"AYL_DAEMONS": "b"}) == "a"
    assert configured_path(None, {"AYL_DAEMONS": "b"}) == "b"
    assert configured_path(None, {"AYL_DAEMONS": ""}) == "/etc/ayl/daemons.yml"
