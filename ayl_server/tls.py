"""TLS for those who need it: the server's certificate, and which clients are let in."""

import ssl
from pathlib import Path
from typing import NoReturn

from ayl_server.config import Config
from ayl_server.exits import UNPREPARED, StartError

HANDSHAKE_SECONDS = 5.0
"""How long a client may take to shake hands."""

SHUTDOWN_SECONDS = 2.0
"""How long to wait for a client's farewell after ours."""


class _EncryptedError(Exception):
    """The key needs a password, and nobody is there to ask."""


def server_context(config: Config) -> ssl.SSLContext:
    """What --tls-cert, --tls-key and --tls-ca ask for; StartError if a file is missing or wrong."""
    certificate, key, authority = config.tls_cert or "", config.tls_key or "", config.tls_ca
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A client could keep the server busy with nothing else.
    context.options |= ssl.OP_NO_RENEGOTIATION
    _load_own(context, certificate, key)
    if authority is not None:
        _load_authority(context, authority)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _load_own(context: ssl.SSLContext, certificate: str, key: str) -> None:
    _look_for("--tls-cert", certificate, b"-----BEGIN CERTIFICATE-----", "certificate")
    _look_for("--tls-key", key, b"PRIVATE KEY-----", "private key")
    try:
        context.load_cert_chain(certificate, key, password=_refuse_to_guess)
    except _EncryptedError:
        _refuse(f"the key in {key} (--tls-key) is encrypted: give one without a password, readable by root alone")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            _refuse(f"the key in {key} (--tls-key) does not belong to the certificate in {certificate} (--tls-cert)")
        _refuse(f"{certificate} (--tls-cert) and {key} (--tls-key) cannot be used: {reason_of(error)}")


def _load_authority(context: ssl.SSLContext, authority: str) -> None:
    _look_for("--tls-ca", authority, b"-----BEGIN CERTIFICATE-----", "certificate")
    try:
        context.load_verify_locations(authority)
    except ssl.SSLError as error:
        _refuse(f"{authority} (--tls-ca) cannot be used: {reason_of(error)}")


def _look_for(option: str, path: str, mark: bytes, what: str) -> None:
    """The library tells neither which file it did not like nor, of one that is there, why."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        _refuse(f"{path} ({option}) cannot be read: {error.strerror or error}")
    if mark not in content:
        _refuse(f"there is no {what} in PEM format in {path} ({option})")


def _refuse_to_guess() -> NoReturn:
    """Without this, OpenSSL would ask the terminal for the password."""
    raise _EncryptedError


def reason_of(error: ssl.SSLError) -> str:
    """In words, without OpenSSL's own names of files and lines."""
    return getattr(error, "verify_message", "") or (error.reason or str(error)).lower().replace("_", " ")


def _refuse(message: str) -> NoReturn:
    raise StartError(UNPREPARED, "tls_files", message)
