"""`python -m ayl.cli.daemons`."""

from ayl.cli.daemons.main import main

main()
