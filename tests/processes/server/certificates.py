"""Certificates made for one test run."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trustme

from tests.processes.servers import HOST

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Certificates:
    """An authority, and files with what it has issued."""

    authority: trustme.CA
    folder: Path

    def __post_init__(self) -> None:
        server = self.authority.issue_cert(HOST, "localhost")
        server.private_key_pem.write_to_path(self.key)
        for number, blob in enumerate(server.cert_chain_pems):
            blob.write_to_path(self.certificate, append=number > 0)
        self.authority.cert_pem.write_to_path(self.ca)

    @property
    def certificate(self) -> Path:
        return self.folder / "server.crt"

    @property
    def key(self) -> Path:
        return self.folder / "server.key"

    @property
    def ca(self) -> Path:
        return self.folder / "ca.crt"

    @property
    def options(self) -> list[str]:
        """For a server that everybody may speak to."""
        return ["--tls-cert", str(self.certificate), "--tls-key", str(self.key)]

    @property
    def strict(self) -> list[str]:
        """For a server that wants to see certificates."""
        return [*self.options, "--tls-ca", str(self.ca)]

    def client(self, issuer: trustme.CA | None = None) -> ssl.SSLContext:
        """A client that trusts this server, with a certificate of `issuer` if there is one."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        if issuer is not None:
            issuer.issue_cert("worker@example.org").configure_cert(context)
        return context


def make_certificates(folder: Path) -> Certificates:
    return Certificates(trustme.CA(), folder)
