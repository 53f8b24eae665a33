"""An app whose calls can be counted."""

import os
import time

import ayl


@ayl.task("plant.water")
def water(number: int, seconds: float = 0.0) -> None:
    """One line of the diary for each call, with its version and its job; short lines are written whole."""
    time.sleep(seconds)
    diary = os.open(os.environ["PLANT_DIARY"], os.O_WRONLY | os.O_APPEND)
    running = ayl.current()
    job = running.job_id if running is not None else 0
    os.write(diary, f"{number} {os.environ.get('AYL_VERSION', '-')} {job}\n".encode())
    os.close(diary)
