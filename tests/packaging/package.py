"""The RPM: built from this checkout, asked what is in it, unpacked."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.pages import ROOT

BUILD = ROOT / "packaging" / "rpm" / "build"

SCRIPTLETS = ("PREIN", "POSTIN", "PREUN", "POSTUN")


class Package:
    """A file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self, *query: str) -> list[str]:
        """What `rpm -qp` answers."""
        words = ["rpm", "--query", "--package", str(self.path), *query]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()

    def scriptlet(self, name: str) -> str:
        return "\n".join(self.lines("--queryformat", f"%{{{name}}}"))

    def unpack(self, directory: Path) -> None:
        with subprocess.Popen(["rpm2cpio", str(self.path)], stdout=subprocess.PIPE) as content:
            words = ["cpio", "--extract", "--make-directories", "--preserve-modification-time", "--quiet"]
            subprocess.run(words, stdin=content.stdout, cwd=directory, check=True)
        assert content.returncode == 0


def build(directory: Path, release: str, *further: str) -> Package:
    """With packaging/rpm/build, as somebody does whose files are nobody else's business."""
    words = [str(BUILD), "--output", str(directory), "--release", release, *further]
    done = subprocess.run(words, check=False, capture_output=True, text=True, umask=0o077)
    assert done.returncode == 0, done.stderr
    return Package(Path(done.stdout.strip()))
