"""Sees to it that no job waits in a hand while the call before it takes long, nor one that is done."""

from threading import Event, Lock, Thread
from time import sleep

from ayl.worker.hand import Hand
from ayl.worker.portion import IN_HAND_SECONDS


class Minder:
    """One thread for all slots of a process. It sleeps while no portion of several jobs is in hand."""

    def __init__(self) -> None:
        self._minded: dict[Hand, int] = {}
        self._bell = Event()
        self._thread: Thread | None = None
        self._starting = Lock()

    def mind(self, hand: Hand) -> None:
        """The portion that is in this hand has several jobs."""
        self._minded[hand] = hand.portion
        if not self._bell.is_set():
            self._bell.set()
            with self._starting:
                if self._thread is None:
                    self._thread = Thread(target=self._watch, name="ayl minder", daemon=True)
                    self._thread.start()

    def _watch(self) -> None:
        while True:
            self._bell.wait()
            self._bell.clear()  # before the look: who comes after it rings again
            seen = dict(self._minded)
            sleep(IN_HAND_SECONDS)
            for hand, portion in seen.items():
                if hand.portion == portion:
                    hand.lighten(portion)
