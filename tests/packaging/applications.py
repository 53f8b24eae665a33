"""Applications of different users, each in a virtual environment of its own with ayl in it, far from the package's."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from .installation import as_root, put

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = "lib/python3.11/site-packages"

CODE = """\
import sys
from pathlib import Path

import ayl
import flavour

ayl.configure(app="{name}", version="1")


@ayl.task
def note(number: int) -> None:
    with Path("{directory}/made/notes").open("a") as notes:
        notes.write(f"{{number}} {{flavour.NAME}} {{sys.prefix}}\\n")
"""

COMMAND = """\
#!{directory}/venv/bin/python
from ayl.cli.worker import main

main()
"""


class Application:
    """In a directory, with a user."""

    def __init__(self, home: Path, name: str, user: str, port: int) -> None:
        self.name = name
        self.user = user
        self.directory = home / name
        self.notes = self.directory / "made" / "notes"
        self._port = port
        venv = self.directory / "venv"
        done = as_root(
            *("sh", "-ec"),
            f"mkdir -p {self.directory}/made && chown {user} {self.directory}/made && "
            f"/usr/bin/python3.11 -m venv --without-pip {venv} && cp -r /opt/ayl/{PACKAGES}/. {venv}/{PACKAGES}/",
        )
        assert done.returncode == 0, done.stderr
        put(f"{venv}/{PACKAGES}/flavour.py", f'NAME = "{name}"\n')
        put(f"{self.directory}/{name}.py", CODE.format(name=name, directory=self.directory))
        put(f"{venv}/bin/ayl_worker", COMMAND.format(directory=self.directory))
        assert as_root("chmod", "755", f"{venv}/bin/ayl_worker").returncode == 0

    def section(self) -> str:
        """Of daemons.yml."""
        return (
            f"  {self.name}: {{path: {self.directory}, virtualenv: venv, user: {self.user}, modules: [{self.name}],"
            f" engine: 'beanstalk://127.0.0.1:{self._port}', groups: {{calls: {{workers: 2}}}}}}\n"
        )

    def send(self, *numbers: int) -> None:
        """One call for each."""
        code = f"import ayl, {self.name} as app\nfor number in {numbers}: ayl.send(app.note, number)"
        done = subprocess.run(
            [f"{self.directory}/venv/bin/python", "-c", code],
            cwd=self.directory,
            env={"AYL_ENGINE": f"beanstalk://127.0.0.1:{self._port}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def has_made(self, *numbers: int) -> bool:
        """Whether these calls, in its own environment."""
        found = self.notes.read_text().splitlines() if self.notes.exists() else []
        return {f"{number} {self.name} {self.directory}/venv" for number in numbers} <= {*found}
