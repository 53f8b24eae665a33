"""The scripts with timers: for each thing that only time brings about, and for several at once.

Nothing is said within 0.3 s of a moment in which something is due, nor by two at once. Whoever lets a job expire speaks
soon afterwards, because 1.12 may forget a silent client's job when its timer rings in the very microsecond.
"""

from __future__ import annotations

from .timers import script

SCRIPTS = (
    script(
        "a delay falls due for a client that waits",
        """
        0.0 a put 0 1 100
        0.0 b reserve
        1.5 a stats-job #1
        2.0 end
        """,
    ),
    script(
        "a delay falls due and nobody waits",
        """
        0.0 a put 0 1 100
        0.5 a stats-tube {tube}
        0.5 a peek-ready
        1.5 a stats-tube {tube}
        1.5 a stats-job #1
        1.5 a peek-ready
        1.7 b reserve-with-timeout 0
        2.0 end
        """,
    ),
    script(
        "jobs fall due in the order of their times",
        """
        0.0 a put 0 2 100
        0.0 a put 9 1 100
        0.0 b reserve
        0.0 b reserve
        1.5 a peek-delayed
        2.5 end
        """,
    ),
    script(
        "jobs that are due wait in the order of their priorities",
        """
        0.0 a put 9 1 100
        0.0 a put 5 1 100
        0.0 a put 7 2 100
        2.5 b reserve
        2.5 b reserve
        2.5 b reserve
        3.0 end
        """,
    ),
    script(
        "a released job comes back after its delay",
        """
        0.0 a put 0 0 100
        0.0 a reserve
        0.3 a release #1 7 1
        0.4 b reserve
        0.6 a stats-job #1
        1.7 a stats-job #1
        2.0 end
        """,
    ),
    script(
        "a kicked job does not become ready once more when its delay is over",
        """
        0.0 a put 0 2 100
        0.0 b reserve
        0.5 a kick 1
        0.7 b delete #1
        2.5 a stats-tube {tube}
        2.5 a stats-job #1
        3.0 end
        """,
    ),
    script(
        "a delayed job that was reserved by its id is not ready when its delay is over",
        """
        0.0 a put 0 1 100
        0.0 c reserve
        0.4 b reserve-job #1
        1.5 a stats-job #1
        1.7 b release #1 3 0
        2.0 end
        """,
    ),
    script(
        "the time to run ends and the job goes to a client that waits",
        """
        0.0 a put 0 0 1
        0.0 a reserve
        0.4 b reserve
        1.4 a list-tube-used
        1.5 a touch #1
        1.6 b delete #1
        1.7 a stats-tube {tube}
        2.0 end
        """,
    ),
    script(
        "the time to run ends and nobody waits",
        """
        0.0 a put 0 0 1
        0.0 a reserve
        0.3 a stats-job #1
        1.4 a list-tube-used
        1.5 b stats-job #1
        1.6 a release #1 0 0
        1.7 a bury #1 0
        1.8 a delete #1
        2.0 end
        """,
    ),
    script(
        "a time to run of nothing is a second",
        """
        0.0 a put 0 0 0
        0.0 b reserve
        0.3 a stats-job #1
        1.4 b list-tube-used
        1.6 a stats-job #1
        2.0 end
        """,
    ),
    script(
        "a buried job that was reserved by its id is ready when its time to run is over",
        """
        0.0 a put 0 0 1
        0.0 a reserve
        0.1 a bury #1 4
        0.2 a reserve-job #1
        0.4 b reserve
        1.5 a list-tube-used
        1.7 b stats-job #1
        2.0 end
        """,
    ),
    script(
        "touch begins the time to run anew",
        """
        0.0 a put 0 0 2
        0.0 a reserve
        0.3 b reserve
        1.5 a touch #1
        2.5 b stats-tube {tube}
        2.6 a stats-job #1
        3.8 a list-tube-used
        4.2 a stats-job #1
        4.5 end
        """,
    ),
    script(
        "who waits with a job in hand is warned",
        """
        0.0 a put 0 0 2
        0.0 a reserve
        0.0 a reserve
        1.5 a touch #1
        1.6 a reserve
        2.7 a release #1 0 0
        2.7 a stats-job #1
        3.5 end
        """,
    ),
    script(
        "who asks with a job in hand that is nearly over is warned at once",
        """
        0.0 a put 0 0 2
        0.0 a reserve
        0.5 a reserve-with-timeout 0
        1.4 a reserve
        1.5 a reserve-with-timeout 0
        1.6 a reserve-with-timeout 5
        1.7 a stats-job #1
        1.7 a delete #1
        2.5 end
        """,
    ),
    script(
        "there is no warning while another job is ready",
        """
        0.0 a put 0 0 1
        0.0 a put 1 0 100
        0.0 a reserve
        0.3 a reserve
        0.4 a reserve
        0.5 a delete #1
        0.6 a reserve-with-timeout 1
        2.0 end
        """,
    ),
    script(
        "a warning comes before the timeout, or after it",
        """
        0.0 a put 0 0 3
        0.0 a reserve
        0.0 a reserve-with-timeout 1
        1.3 a reserve-with-timeout 9
        2.5 a delete #1
        3.0 end
        """,
    ),
    script(
        "a wait times out",
        """
        0.0 a reserve-with-timeout 1
        0.4 b reserve-with-timeout 2
        1.5 a stats-tube {tube}
        2.9 a stats-tube {tube}
        3.0 end
        """,
    ),
    script(
        "a wait that ended with a job does not time out",
        """
        0.0 a reserve-with-timeout 2
        0.5 b put 0 0 100
        0.7 a reserve-with-timeout 2
        3.5 end
        """,
    ),
    script(
        "a half-close ends a wait before its time",
        """
        0.0 a reserve-with-timeout 2
        0.0 b reserve
        0.5 a half-closes
        0.7 b half-closes
        2.5 end
        """,
    ),
    script(
        "a pause ends for a client that waits",
        """
        0.0 a pause-tube {tube} 1
        0.2 b reserve
        0.3 a put 0 0 100
        0.5 a stats-tube {tube}
        1.5 a stats-tube {tube}
        2.0 end
        """,
    ),
    script(
        "a second pause replaces the first one",
        """
        0.0 a put 0 0 100
        0.0 a put 1 0 100
        0.0 a pause-tube {tube} 4
        0.3 b reserve
        0.5 a pause-tube {tube} 1
        1.9 a pause-tube {tube} 1
        2.1 b reserve
        2.4 a stats-tube {tube}
        3.4 end
        """,
    ),
    script(
        "a delay that falls due in a pause is felt after it",
        """
        0.0 a put 5 1 100
        0.0 a put 3 1 100
        0.0 a pause-tube {tube} 2
        0.0 b reserve
        1.5 a stats-tube {tube}
        1.5 a reserve-with-timeout 0
        2.5 a stats-tube {tube}
        2.7 end
        """,
    ),
    script(
        "a time to run that ends in a pause is felt after it",
        """
        0.0 a put 0 0 1
        0.0 a reserve
        0.1 a pause-tube {tube} 2
        0.3 b reserve
        1.4 a list-tube-used
        1.6 a stats-job #1
        2.5 b delete #1
        2.7 end
        """,
    ),
    script(
        "a wait times out although a job is ready in a paused tube",
        """
        0.0 a put 0 0 100
        0.0 a pause-tube {tube} 3
        0.4 b reserve-with-timeout 1
        1.7 b reserve-with-timeout 9
        3.5 end
        """,
    ),
    script(
        "all at once",
        """
        0.0 a put 5 0 1
        0.0 a put 6 2 3
        0.0 a put 7 3 100
        0.0 a reserve
        0.3 b reserve
        0.3 b reserve
        0.4 c put 1 2 100
        0.5 c release #1 0 0
        1.4 a list-tube-used
        1.5 a stats-tube {tube}
        1.6 b delete #1
        1.7 b reserve
        2.6 c stats-tube {tube}
        2.7 b reserve
        2.7 b reserve
        3.6 c stats-tube {tube}
        3.7 b half-closes
        4.4 c stats-tube {tube}
        4.4 c peek-ready
        4.6 end
        """,
    ),
)
