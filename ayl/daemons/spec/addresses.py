"""The kinds of addresses that `ayl_server` listens on, by its own rules: what passes here starts."""

from __future__ import annotations

import re

from ayl.daemons.spec.kinds import Single
from ayl.daemons.spec.problems import Wrong, shown

MAX_PORT = 65535
MAX_SOCKET_PATH = 107
"""Bytes that the system allows for the path of a Unix socket."""

_port = r"(?::([0-9]{1,20})?)?"
_forms = (
    re.compile(r"\[[^\]\s]+\]" + _port),
    re.compile(r"[^:\[\s]+" + _port),
    re.compile(r"[^\[\s:]*(?::[^\[\s:]*){2,}()"),  # IPv6, without a port
)
_metrics = re.compile(r"\S+:([0-9]{1,20})")

FORMS = "ADDR, ADDR:PORT, [IPV6]:PORT, tls:ADDR or unix:PATH"


def _address(text: str) -> str:
    if text.startswith("unix:"):
        return "unix:" + _socket_path(text.removeprefix("unix:"))
    found = next(filter(None, (form.fullmatch(text.removeprefix("tls:")) for form in _forms)), None)
    if not found or not text.isprintable():
        raise ValueError
    _check_port(found[1] or "0")
    return text


def _socket_path(path: str) -> str:
    if not path.startswith("/"):
        raise Wrong(f"{shown(path)} is relative", "unix: and an absolute path")
    if len(path.encode()) > MAX_SOCKET_PATH:
        raise Wrong(f"has {len(path.encode())} bytes", f"at most {MAX_SOCKET_PATH} for the path of a socket")
    return path


def _check_port(digits: str) -> None:
    if int(digits) > MAX_PORT:
        raise Wrong(f"port {digits} is out of range", f"a port from 0 to {MAX_PORT}")


def _page(text: str) -> str:
    found = _metrics.fullmatch(text)
    if not found or not text.isprintable():
        raise ValueError
    _check_port(found[1])
    return text


ADDRESS = Single(FORMS, _address, takes_numbers=False)
PAGE = Single("ADDR:PORT, such as 127.0.0.1:11380", _page, takes_numbers=False)
