"""`manage.py ayl_worker`: the command `ayl_worker`, which then need not be told where the project is."""

# mypy: disable-error-code="import-untyped, misc"
# Django brings no types, so its classes cannot be checked either.

from pathlib import Path

from django.core.management.base import BaseCommand

from ayl.cli.worker import main


class Command(BaseCommand):
    """Hands what it is given to `ayl_worker`. The settings reach workers by the environment, as manage.py set it."""

    help = "Runs an app's calls. Takes the options of ayl_worker (ayl_worker --help)."
    requires_system_checks = ()  # each worker loads the project for itself

    def run_from_argv(self, argv: list[str]) -> None:
        program, name, *words = argv
        # manage.py itself has seen to these.
        _, rest = self.create_parser(program, name).parse_known_args(words)
        project = str(Path(program).resolve().parent)
        main(["--app-path", project, "--require", "ayl.contrib.django.setup", *rest], prog_name=f"{program} {name}")
