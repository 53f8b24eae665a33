"""Whatever the file holds: it is read, or refused with places and reasons. Nothing else happens."""

from __future__ import annotations

import re

import yaml
from hypothesis import given
from hypothesis import strategies as st

from ayl.daemons.spec.keys import KEYS
from ayl.daemons.spec.problems import BadConfiguration

from .machines import PATH, SHOP, Imagined, configured

NAMES = st.sampled_from(["shop", "server", "x", "", "/", "..", "no", "1", *{key.name for key in KEYS}])
SINGLE = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | NAMES
    | st.sampled_from(["${A}", "$", "10m", "-1", "/srv/shop", ".venv", "python", "a | b", "'", "unix:/x", "tls:x"])
)
ANY = st.recursive(SINGLE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4))
OF_KEYS = st.dictionaries(st.sampled_from([key.name for key in KEYS]), ANY, max_size=6)
FILES = st.fixed_dictionaries(
    {},
    optional={
        "directories": ANY,
        "server": OF_KEYS,
        "defaults": OF_KEYS,
        "applications": st.dictionaries(
            NAMES,
            st.fixed_dictionaries(
                {"path": st.just("/srv/shop")},
                optional={
                    "groups": st.dictionaries(NAMES, OF_KEYS | st.none(), max_size=2),
                    "daemons": st.dictionaries(NAMES, OF_KEYS | st.none(), max_size=2),
                    "user": ANY,
                    "version": ANY,
                    "environment": ANY,
                    "environment_files": ANY,
                    "virtualenv": ANY,
                },
            ),
            max_size=2,
        ),
    },
)

PROBLEM = re.compile(re.escape(PATH) + r"(?::[1-9]\d*:[1-9]\d*)?: (?s:.+)")


def refusal(data: str | bytes) -> BadConfiguration | None:
    """None if it is read: then to daemons that can be started."""
    try:
        found = configured(data, Imagined())
    except BadConfiguration as error:
        return error
    names = [daemon.name for daemon in found.daemons]
    assert names
    assert len({*names}) == len(names)
    assert all(daemon.command and daemon.directory.startswith("/") for daemon in found.daemons)
    assert all(isinstance(word, str) for daemon in found.daemons for word in daemon.command)
    return None


def check(data: str | bytes) -> None:
    """It is read, or every problem has its place, and none is told twice."""
    refused = refusal(data)
    if refused:
        assert refused.problems
        assert [*refused.problems] == sorted({*refused.problems})
        assert all(PROBLEM.fullmatch(str(problem)) for problem in refused.problems)


@given(FILES)
def test_any_values_of_any_keys(document: dict[str, object]) -> None:
    check(yaml.safe_dump(document, allow_unicode=True))


@given(OF_KEYS)
def test_any_values_in_an_application_that_is_right(keys: dict[str, object]) -> None:
    lines = yaml.safe_dump(keys, default_flow_style=True, width=10**6).strip()
    check(SHOP.replace("web: {}", f"web: {lines}"))


@given(st.binary(max_size=200) | st.text("{}[]:,-#&*!|>'\"%@` \n\tab0~$<", max_size=80).map(str.encode))
def test_any_bytes(data: bytes) -> None:
    check(data)


@given(st.data())
def test_any_piece_of_a_file_that_is_right(data: st.DataObject) -> None:
    text = (SHOP + "server: {listen: [127.0.0.1], sync: 0}\n").encode()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    check(text[:start] + data.draw(st.binary(max_size=3)) + text[end:])
