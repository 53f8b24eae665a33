"""What the generator asks of a server.

Every load runs a little unmeasured work first, keeps each reply, and compares them with what must come when
the clock has stopped; at the end the server's own counters must agree.
"""

from benchmarks.loads.backlog import backlog, backlog_in_tubes
from benchmarks.loads.blocks import BLOCK, SMALL_BLOCK, drain_blocks, put_and_drain_blocks, put_blocks
from benchmarks.loads.cycles import CROWD, cycles_alone, cycles_crowd
from benchmarks.loads.delayed import delayed, delayed_burst
from benchmarks.loads.model import ASYNCIO, BEANSTALKD, Load
from benchmarks.loads.order import order
from benchmarks.loads.replay import fill_binlog
from benchmarks.loads.tubes import idle_tubes, own_tubes
from benchmarks.loads.watchers import watchers

REPLAY = "replay"
MILLION = 1_000_000
FSYNC_EACH = ("-f", "0")
FSYNC_SOMETIMES = ("-f", "50")

LOADS = {
    "cycle-1": Load("put-reserve-delete, 1 connection", 90_000, cycles_alone, without=()),
    "cycle-50": Load(f"put-reserve-delete, {CROWD} connections", 225_000, cycles_crowd, without=()),
    "put-200": Load(f"put, {BLOCK} per write", 300_000, put_blocks, without=()),
    "drain-200": Load(f"reserve + delete, {BLOCK} per write", 300_000, drain_blocks, without=()),
    "order": Load(f"{BLOCK} per write", 100_000, order, peer_rounds=1),
    "watchers": Load("a busy pair", 45_000, watchers, peer_rounds=1),
    "own-tubes": Load("5,000 connections, a tube each", 90_000, own_tubes),
    "idle-tubes": Load("beside 10,000 tubes", 90_000, idle_tubes),
    "backlog": Load("a million jobs", MILLION, backlog, peer_rounds=1),
    "backlog-tubes": Load("a million jobs in 10,000 tubes", MILLION, backlog_in_tubes, without=(ASYNCIO, BEANSTALKD)),
    "delayed": Load("a million delayed jobs", MILLION, delayed, without=(ASYNCIO, BEANSTALKD), rounds=1),
    "delayed-burst": Load("a million delayed jobs, at once", MILLION, delayed_burst, rounds=2, peer_rounds=1),
    "binlog-50": Load(f"put-reserve-delete, {CROWD} connections, -f 0", 90_000, cycles_crowd, binlog=FSYNC_EACH),
    "binlog-100": Load(f"{SMALL_BLOCK} per write, -f 0", 100_000, put_and_drain_blocks, binlog=FSYNC_EACH),
    REPLAY: Load("replay of a million jobs", MILLION, fill_binlog, binlog=FSYNC_SOMETIMES, peer_rounds=2),
}
