"""The root directory of a machine on which the package is installed, as far as systemd looks at it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

UNITS = ROOT / "packaging" / "systemd"

OURS = ("ayl-workers.service", "ayl-server.service", "ayl-server.socket")

PROGRAMS = (
    "usr/bin/ayl_daemons",
    "usr/bin/ayl_server",
)

SYSTEMD = Path("/usr/lib/systemd")

NOBODY = 65534


class Machine:
    """Its files are where everybody may read them: systemd tests as root refuse to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.vendor = root / "usr/lib/systemd/system"
        self.admin = root / "etc/systemd/system"
        for directory in (self.vendor, self.admin):
            directory.mkdir(parents=True)
        for target in (SYSTEMD / "system").glob("*.target"):
            shutil.copy(target, self.vendor, follow_symlinks=False)
        for unit in UNITS.glob("ayl-*.*"):
            shutil.copy(unit, self.vendor)
        for program in PROGRAMS:
            path = root / program
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("#!/bin/sh\n")
            path.chmod(0o755)

    def add(self, drop_ins: Mapping[str, str]) -> None:
        """Where systemd-analyze reads them; generators' directories it does not."""
        for name, text in drop_ins.items():
            path = self.admin / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def complaints(self, *units: str) -> str:
        """What systemd has against these units and all that they want."""
        done = self._analyze("verify", "--man=no", *units)
        assert done.returncode == 0 or done.stderr, done
        return done.stderr

    def exposure(self, unit: str) -> float:
        """From 0 (closed) to 10."""
        done = self._analyze("security", "--offline=true", "--no-pager", unit)
        (found,) = re.findall(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
        return float(found)

    def understood(self, unit: str) -> list[str]:
        """Lines of what systemd makes of a unit (`KEY: VALUE`)."""
        words = [str(SYSTEMD / "systemd"), "--test", "--system", "--no-pager", f"--unit={unit}"]
        if os.geteuid() == 0:
            words = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *words]
        paths = os.pathsep.join(map(str, (self.admin, self.vendor)))
        environment = {"PATH": os.defpath, "SYSTEMD_UNIT_PATH": paths, "XDG_RUNTIME_DIR": str(self.root)}
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr
        _, _, rest = done.stdout.partition(f"-> Unit {unit}:\n")
        assert rest, done.stdout
        return [line.strip() for line in rest.partition("\n\t-> Unit ")[0].splitlines()]

    def _analyze(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["systemd-analyze", words[0], f"--root={self.root}", *words[1:]],
            capture_output=True,
            text=True,
            check=False,
        )
