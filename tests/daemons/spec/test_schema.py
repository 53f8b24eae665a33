"""The JSON schema: what it says is what is read."""

from __future__ import annotations

import json

import pytest
import yaml

from ayl.daemons.spec.keys import KEYS, SECTIONS
from ayl.daemons.spec.schema import SHIPPED, schema, text

from .machines import SHOP
from .validity import is_valid

WHOLE = schema()


def valid(document: str) -> bool:
    return is_valid(yaml.safe_load(document), WHOLE, WHOLE)


def test_the_shipped_file_is_what_the_table_makes() -> None:
    assert SHIPPED.read_text() == text(), "python -m ayl.daemons.spec.schema writes it"
    assert json.loads(text()) == WHOLE


def test_every_key_of_the_table_is_in_it_with_its_meaning() -> None:
    for section in SECTIONS:
        properties = WHOLE["$defs"][section.name]["properties"]
        assert properties.keys() == section.keys().keys()
        for key in KEYS:
            if section in key.where:
                assert properties[key.name]["description"].startswith(key.meaning)


GOOD = (
    SHOP,
    "server: {}\n",
    "server: {sync: never, listen: [127.0.0.1], max_memory: 2g, salvage: yes}\n",
    "server: {sync: 0, max_memory: 100, unix_mode: 0660}\n",
    f"{SHOP}    version: 1.10\n    umask: 022\n    environment: {{A: 1, B: no, C: x}}\n",
    f"{SHOP}    version: {{file: VERSION}}\n    grace: 10m\n    workers: '${{N:-3}}'\n",
    f"{SHOP}    lanes: {{mail: 3}}\n    daemons: {{x: {{command: [a, 1]}}}}\n",
    f"{SHOP}      rest:\n",
)
BAD = (
    "servers: {}\n",
    "- a\n",
    "server: {port: x}\n",
    "server: {port: 70000}\n",
    "server: {port: yes}\n",
    "server: {tls: {cert: /c}}\n",
    "server: {command: a, interpreter: /b}\n",
    "server: {log_format: xml}\n",
    "applications: {shop: {}}\n",
    "applications: {shop: }\n",
    "applications: {../x: {path: /x}}\n",
    f"{SHOP}    usr: shop\n",
    f"{SHOP}    user: no\n",
    f"{SHOP}    interpreter: /x\n",
    f"{SHOP}    grace: soon\n",
    f"{SHOP}    grace: -1\n",
    f"{SHOP}    patience: 0\n",
    f"{SHOP}    lanes: []\n",
    f"{SHOP}    lanes: {{mail: 0}}\n",
    f"{SHOP}    version: {{file: A, git: B}}\n",
    f"{SHOP}    environment: {{1A: x}}\n",
    f"{SHOP}    daemons: {{x: }}\n",
    f"{SHOP}    daemons: {{x: {{command: []}}}}\n",
)


@pytest.mark.parametrize("document", GOOD)
def test_what_is_right_is_valid(document: str) -> None:
    assert valid(document)


@pytest.mark.parametrize("document", BAD)
def test_what_is_wrong_is_not(document: str) -> None:
    assert not valid(document)
