"""How many jobs a slot takes at once. Pure: times are arguments.

A job in a slot's hand waits for that slot alone, though another may be free. So a slot takes one, and more only while
calls are so short that the whole portion is done before anybody would notice. Then the next portion is asked for before
the calls of this one are made, so that server and worker work at the same time.
"""

MOST = 64
"""Jobs in a portion, however short their calls are."""

SHORT_SECONDS = 0.003
"""Calls that take longer than this are taken one by one."""

IN_HAND_SECONDS = 0.02
"""What a portion and the next one may take in all. What is left when they take longer after all, goes back."""

FRESH = 0.25
"""The weight of a portion in what is thought of calls, when they have become shorter."""


class Portion:
    """Of one slot."""

    def __init__(self) -> None:
        self.size = 1
        """Jobs to ask for. The first is waited for; whoever asks for more takes what is there."""
        self._seconds = 0.0  # that a call takes

    def learn(self, asked: int, came: int, ran: int, seconds: float) -> None:
        """`ran` calls took so many seconds in all; then `asked` jobs were asked for, and so many came."""
        average = seconds / ran if ran else 0.0
        # What has become slow is believed at once, for others wait behind it.
        self._seconds = max(average, self._seconds + FRESH * (average - self._seconds))
        if came < asked or self._seconds > SHORT_SECONDS:
            self.size = 1
        else:
            self.size = max(1, min(2 * self.size, MOST, int(IN_HAND_SECONDS / 2 / max(self._seconds, 1e-9))))
