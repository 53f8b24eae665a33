"""Operations on a server, for the command line and the dashboard alike: dataclasses in, dataclasses out.

Each operation is one short conversation on a connection of its own, through greenstalk. Whatever is at the other end,
it ends in time, with an answer or with one error of the tree in `ayl.admin.errors`.
"""

from ayl.admin.draining import Drain, drain, draining, release_tubes
from ayl.admin.errors import (
    AdminError,
    JobInOtherState,
    NobodyWatches,
    NoServer,
    NoSuchJob,
    NoSuchTube,
    NotATubeName,
    NotBeanstalkd,
    RequestRefused,
    ServerHungUp,
    ServerTooSlow,
    ServerUnavailable,
    TooFewWatch,
)
from ayl.admin.facts import Jobs, ServerStatistics, TubeStatistics, Workers
from ayl.admin.jobs import Declined, Done, Job
from ayl.admin.kicks import Kicked, kick, kick_jobs
from ayl.admin.orders import WorkerOrder, control, kill_worker, quiet_worker, restart_worker
from ayl.admin.pauses import Pause, pause
from ayl.admin.peeks import PEEKED, Peek, body, find_jobs, peek
from ayl.admin.puts import Put, put, put_sleep
from ayl.admin.removals import Eaten, delete, eat, eat_all
from ayl.admin.searches import Search, Wanted, search
from ayl.admin.server import Server, servers, servers_at, servers_meant
from ayl.admin.statistics import statistics, tube_statistics, tubes
from ayl.admin.transfers import NowhereToMove, Transfer, plan_transfer, transfer, with_rest

__all__ = [
    "PEEKED",
    "AdminError",
    "Declined",
    "Done",
    "Drain",
    "Eaten",
    "Job",
    "JobInOtherState",
    "Jobs",
    "Kicked",
    "NoServer",
    "NoSuchJob",
    "NoSuchTube",
    "NobodyWatches",
    "NotATubeName",
    "NotBeanstalkd",
    "NowhereToMove",
    "Pause",
    "Peek",
    "Put",
    "RequestRefused",
    "Search",
    "Server",
    "ServerHungUp",
    "ServerStatistics",
    "ServerTooSlow",
    "ServerUnavailable",
    "TooFewWatch",
    "Transfer",
    "TubeStatistics",
    "Wanted",
    "WorkerOrder",
    "Workers",
    "body",
    "control",
    "delete",
    "drain",
    "draining",
    "eat",
    "eat_all",
    "find_jobs",
    "kick",
    "kick_jobs",
    "kill_worker",
    "pause",
    "peek",
    "plan_transfer",
    "put",
    "put_sleep",
    "quiet_worker",
    "release_tubes",
    "restart_worker",
    "search",
    "servers",
    "servers_at",
    "servers_meant",
    "statistics",
    "transfer",
    "tube_statistics",
    "tubes",
    "with_rest",
]
