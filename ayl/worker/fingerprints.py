"""By what a worker and its supervisor tell one job from another, where there is room for a number only."""

from binascii import crc32  # as zlib has it, which nothing else here needs


def fingerprint(job_id: int, body: bytes) -> int:
    """Of a job as a server has it: of 32 bits, and never 0."""
    return crc32(body, job_id & 0xFFFFFFFF) or 1
