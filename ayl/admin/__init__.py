"""Operations on a server, for the command line and the dashboard alike: dataclasses in, dataclasses out.

Each operation is one short conversation on a connection of its own, through greenstalk. Whatever is at the other end,
it ends in time, with an answer or with one error of the tree in `ayl.admin.errors`.
"""

from ayl.admin.errors import (
    AdminError,
    NobodyWatches,
    NoServer,
    NoSuchTube,
    NotATubeName,
    NotBeanstalkd,
    RequestRefused,
    ServerHungUp,
    ServerTooSlow,
    ServerUnavailable,
)
from ayl.admin.facts import Jobs, ServerStatistics, TubeStatistics, Workers
from ayl.admin.orders import WorkerOrder, control, kill_worker, quiet_worker, restart_worker
from ayl.admin.server import Server, servers, servers_at
from ayl.admin.statistics import statistics, tube_statistics, tubes

__all__ = [
    "AdminError",
    "Jobs",
    "NoServer",
    "NoSuchTube",
    "NobodyWatches",
    "NotATubeName",
    "NotBeanstalkd",
    "RequestRefused",
    "Server",
    "ServerHungUp",
    "ServerStatistics",
    "ServerTooSlow",
    "ServerUnavailable",
    "TubeStatistics",
    "WorkerOrder",
    "Workers",
    "control",
    "kill_worker",
    "quiet_worker",
    "restart_worker",
    "servers",
    "servers_at",
    "statistics",
    "tube_statistics",
    "tubes",
]
