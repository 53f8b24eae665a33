"""A binlog that beanstalkd 1.4.6 itself has written (version 5), on a little-endian 64-bit machine.

It was started with `-s 1024` and killed. Before, in the tube shop/1: eight puts; 4 to 7 were reserved and buried in
the order 6, 4, 5, 7; 6 was kicked, reserved, and released with a delay; 1 was deleted, and 2 reserved. `JOBS` is what
it reported then with stats-job and peek, but for 2: a reservation is not written down, so here is how it was put.
"""

from base64 import b64decode
from zlib import decompress

from ayl_server.binlog.beanstalkd import FoundJob

FILES = [
    (name, decompress(b64decode(packed)))
    for name, packed in {
        "binlog.1": (
            "eNpjZWBgYGOAgOKM/AJ9Q0YGGECwwKB9MjOIYody+9pyPp1MYGPABxgLchIz83i5UG1ggvLY0VQ7OPGDaZi8fDsRNqAbzgzl/QcC"
            "CEtq8i9TPjjNBPXVVKjhM9rbWo9ME8FqOAsDIxMzCysbOwcnFzcPLx+/gKCQsIiomLiEpJS0jKycvIKikrKKqpq6hqaWto6unr6B"
            "oZGxiamZuYWllbWNrZ29g6OTs4urm7uHp5e3j6+ff0BgUHBIaFh4RGRUdExsXHxCYlJySmpaekZmVnZObl5+QWFRcUlpWXlFZVV1"
            "TW1dfUNjU3NLa1t7R2dXd09vX/+EiZMmT5k6bfqMmbNmz5k7b/6ChYsWL1m6bPmKlatWr1m7bv2GjZs2b9m6bfuOnbt279m7b/+B"
            "g4cOHzl67PiJk6dOnzl77vyFi5cuX7l67fqNm7du37l77/6Dh48eP3n67PmLl69ev3n77v2Hj58+f/n67fuPn79+//n77z964LJA"
            "eVzoIYWWNu4TE3NJpUWVBug2sEJ53ARs0Ogg0gZDdBtgPB4CNrh1EmmDES8XAEYDups="
        ),
        "binlog.2": (
            "eNpjZWBgYGOAgOKM/AJ9Q3Yoj5cBDbRPZgZRMPnpnTmfTiawMeADjEmlRZXGvFwwPkx1CgGz3aBmt9wR+AaiGZHNhNLMMAEWKJ1K"
            "wND77RBDn94mwlBWDCnshmp0QAyVJsal7EQaCgvaP8QYSq0wZUR2FsxQc5hA3IVN+AwN3+a79BSQZsJiIAump/F7v68NYujk+5gu"
            "ZUB3ISTRchAwGqb6e0QtitFYE21OYnEJIs0ObwAAKfpTDA=="
        ),
        "binlog.3": ("eNpjZRgFo2AUjFQAABgAAAY="),
    }.items()
]

_TUBE = b"shop/1"

JOBS = [
    FoundJob(2, _TUBE, 7, 0, 1, b"", "ready", 1795270332.155679, 0.0, 0, 0, 0, 0, 0),
    FoundJob(
        3, _TUBE, 4294967295, 4000000000, 4000000000, bytes(range(256)), "delayed",
        1795270332.155797, 5795270332.1558, 0, 0, 0, 0, 0,
    ),
    FoundJob(4, _TUBE, 101, 0, 60, b"bury0", "buried", 1795270332.155871, 0.0, 1, 0, 0, 1, 0),
    FoundJob(5, _TUBE, 65536, 0, 60, b"bury1", "buried", 1795270332.155944, 0.0, 1, 0, 0, 1, 0),
    FoundJob(6, _TUBE, 55, 3000, 60, b"bury2", "delayed", 1795270332.15623, 1795273333.257815, 2, 0, 1, 1, 1),
    FoundJob(7, _TUBE, 65536, 0, 60, b"bury3", "buried", 1795270332.156311, 0.0, 1, 0, 0, 1, 0),
    FoundJob(8, _TUBE, 65536, 0, 60, b"last", "ready", 1795270333.257975, 0.0, 0, 0, 0, 0, 0),
]  # fmt: skip
"""By id. What the server reports in whole seconds (age, time-left) is here to the microsecond, as stored."""

BURIED = [4, 5, 7]
