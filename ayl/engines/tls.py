"""TLS towards servers. Imported only by those who use it: `ssl` takes longer than all of ayl."""

import ssl
from typing import TYPE_CHECKING, NoReturn, cast

from ayl.engines.addresses import Tls
from ayl.engines.prompt import Prompt
from ayl.errors import NotConfigured

if TYPE_CHECKING:
    import io
    import socket


class PromptTlsSocket(Prompt, ssl.SSLSocket):  # type: ignore[misc] # their recv_into differ in a default
    """As strict as the plain one: a reply has to be whole in time, however its bytes and records dribble."""

    def has_begun(self) -> bool:
        """Whether a reply has begun to arrive, given that the socket is readable: TLS has messages of its own, too."""
        if self.pending():
            return True
        reader = cast("io.BufferedReader", self.reader)
        self.settimeout(0)
        try:
            reader.peek(1)
        except (ssl.SSLWantReadError, BlockingIOError):
            return False
        return True  # also at the end of the stream, which is for whoever reads to find

    reader: "io.BufferedReader | None" = None
    """What greenstalk reads through; whatever arrives has to go there."""


def context_for(tls: Tls) -> ssl.SSLContext:
    """What the URL asks for; NotConfigured if a file is missing or wrong. Names and certificates are checked."""
    try:
        context = ssl.create_default_context(cafile=tls.ca or None)
    except OSError as error:
        _refuse("ca", tls.ca, error)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.cert:
        try:
            context.load_cert_chain(tls.cert, tls.key or None, password=_no_password)
        except (OSError, _Encrypted) as error:
            _refuse("cert and key" if tls.key else "cert", f"{tls.cert} {tls.key}".strip(), error)
    context.sslsocket_class = PromptTlsSocket
    return context


def secured(connected: "socket.socket", context: ssl.SSLContext, host: str, patience: float) -> PromptTlsSocket:
    """Takes over a connected socket and shakes hands, in `patience` seconds; raises OSError when that fails."""
    connected.settimeout(patience)
    wrapped = cast("PromptTlsSocket", context.wrap_socket(connected, server_hostname=host))
    wrapped.patience = patience
    wrapped.restart()
    return wrapped


class _Encrypted(Exception):
    """The key needs a password, and nobody is there to ask."""

    strerror = "the key is encrypted; give one without a password, readable by its user alone"


def _no_password() -> str:
    raise _Encrypted


def _refuse(names: str, files: str, error: OSError | _Encrypted) -> NoReturn:
    reason = getattr(error, "reason", None) or error.strerror
    raise NotConfigured(f"TLS: {files or 'the certificates of this system'} ({names}) cannot be used: {reason}")
