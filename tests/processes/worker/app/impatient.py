"""For workers that are to look around oftener than every five seconds, which is long for a test: `--require` it."""

from ayl.engines import watching
from ayl.worker import deliveries

watching.LOOK_SECONDS = 1
deliveries.LOOK_SECONDS = 0.5
