"""Where recipes send to: a mail server and a web server, each a thread of the test, and a stand-in for Sentry's SDK."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
from contextlib import contextmanager
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

Kind = TypeVar("Kind", bound=socketserver.BaseServer)


class MailServer(socketserver.ThreadingTCPServer):
    """As much of RFC 5321 as a mail takes."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails: list[EmailMessage] = []


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 mailbox")
        for line in iter(self.rfile.readline, b""):
            match line[:4].upper():
                case b"DATA":
                    self._say("354 go on")
                    body = b"".join(iter(self.rfile.readline, b".\r\n"))
                    mail: Any = message_from_bytes(body, policy=policy.default)
                    self.server.mails.append(mail)
                    self._say("250 kept")
                case b"QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 well")

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


class WebServer(http.server.ThreadingHTTPServer):
    """Keeps what is posted."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.posts: list[tuple[str, Any]] = []


class _Post(http.server.BaseHTTPRequestHandler):
    server: WebServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((self.headers["Content-Type"], json.loads(body)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Not into the test's output."""


@contextmanager
def serving(server: Kind) -> Iterator[Kind]:
    """It answers until the end of the span."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


SENTRY = '''
"""Stands for sentry_sdk 2: the names and arguments of its public API, each use a line of a file."""

import json
import sys
import types
from contextlib import contextmanager
from pathlib import Path

_scope = {}


def _note(*what):
    with Path("sentry").open("a") as file:
        file.write(json.dumps([*what, dict(_scope)]) + "\\n")


def init(dsn=None, **options):
    _note("init", dsn)


class Scope:
    def set_tag(self, key, value):
        _scope[key] = str(value)

    def set_context(self, key, value):
        assert isinstance(value, dict)
        _scope[key] = value


@contextmanager
def new_scope():
    yield Scope()
    _scope.clear()


def capture_exception(error=None, scope=None, **scope_kwargs):
    assert isinstance(error, BaseException) and error.__traceback__ is not None
    _note("exception", repr(error))


def capture_message(message, level=None, scope=None, **scope_kwargs):
    assert level in ("fatal", "critical", "error", "warning", "info", "debug")
    _note("message", message)


integrations = types.ModuleType("sentry_sdk.integrations")
integrations.logging = types.ModuleType("sentry_sdk.integrations.logging")
integrations.logging.ignore_logger = lambda name: _note("ignore", name)
sys.modules |= {module.__name__: module for module in (integrations, integrations.logging)}
__path__ = []
'''
"""Of what is written in Sentry's documentation and in `sentry_sdk/api.py` of its repository."""
