"""An app whose calls can be counted."""

import os
import time

import ayl


@ayl.task("plant.water")
def water(number: int, seconds: float = 0.0) -> None:
    """One line of the diary for each call; short lines are written whole."""
    time.sleep(seconds)
    diary = os.open(os.environ["PLANT_DIARY"], os.O_WRONLY | os.O_APPEND)
    os.write(diary, f"{number} {os.environ.get('AYL_VERSION', '-')}\n".encode())
    os.close(diary)
