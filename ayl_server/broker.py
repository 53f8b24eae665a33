"""The state machine: sessions, tubes and jobs, and what each event does to them. No clock, no socket.

Every method that depends on the time takes `now`, seconds on the driver's clock; `tick(now)` does what
has fallen due, and `next_deadline()` says when to come back. Replies are collected in each session's
`out`; a session that was answered by somebody else's doing is named by `take_woken()`.

One invariant carries the scheduling: a tube that is not paused never has both a ready job and a waiting
session. So a job that becomes ready goes straight to the first waiter of its tube, and a session that
reserves has only to look at the heads of the tubes it watches.
"""

from collections.abc import Iterable
from operator import attrgetter
from typing import Final

from ayl_server import protocol
from ayl_server.model import (
    BURIED,
    COUNTED,
    DELAYED,
    JOB_BYTES,
    READY,
    RESERVED,
    Facts,
    Job,
    Journal,
    Session,
    Tube,
)
from ayl_server.numbered import Numbered
from ayl_server.queues import NEVER, Timers

MARGIN: Final = 1.0
"""Seconds before the end of a lease in which its holder is told DEADLINE_SOON instead of waiting."""

DUE_AT_ONCE: Final = 500
"""How many delayed jobs are made ready before the clients are served again."""

BREATH: Final = 0.002
"""Seconds for the clients between two such portions."""

DEFAULT_TUBE: Final = b"default"


class Broker:
    """All state of one server."""

    def __init__(
        self,
        *,
        facts: Facts,
        started: float = 0.0,
        max_job_size: int = 65535,
        max_memory: int | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.facts = facts
        self.started = started
        self.max_job_size = max_job_size
        self.max_memory = max_memory
        self.memory = 0
        """About how many bytes the jobs occupy, those included whose bodies are still arriving."""
        self.journal = journal
        self.refused = 0
        """How many puts were answered OUT_OF_MEMORY."""
        self.headers: dict[bytes, protocol.Header] = {}
        """Put lines that were understood lately: clients send the same few over and over."""
        self.jobs: Numbered[Job] = Numbered()
        self.last_id = 0  # also counted on by puts that fail after their first line
        self.burials = 0
        self.default = Tube(DEFAULT_TUBE)
        self.tubes: dict[bytes, Tube] = {DEFAULT_TUBE: self.default}
        self.sessions: dict[Session, None] = {}
        self.timers: Timers[Session | Tube] = Timers()
        self.woken: list[Session] = []
        self.draining = False
        self.breathing_until = -NEVER  # seconds; until then `tick` has nothing to do, however much is due
        self.counts: dict[bytes, int] = dict.fromkeys(COUNTED, 0)
        self.forgotten_jobs = 0
        self.total_sessions = 0
        self.timeouts = 0
        self.producers = 0
        self.workers = 0
        self.waiting = 0

    # Sessions

    def connect(self) -> Session:
        """A new client; it uses and watches `default`."""
        session = Session(self.default)
        self.default.users += 1
        self.default.watchers += 1
        self.sessions[session] = None
        self.total_sessions += 1
        return session

    def disconnect(self, session: Session, now: float) -> None:
        """A client has gone: its leased jobs become ready again. Repeated calls do nothing."""
        if session not in self.sessions:
            return
        del self.sessions[session]
        self._stop_waiting(session)
        self.timers.disarm(session)
        for job in list(session.held.values()):
            self._end_lease(job, session)
            self.make_ready(job, now)
        self.producers -= session.producer
        self.workers -= session.worker
        session.use.users -= 1
        self._let_go(session.use)
        for tube in session.watching:
            tube.watchers -= 1
            self._let_go(tube)

    def end_input(self, session: Session) -> None:
        """No more input will come from this client: a reserve that waits is answered now, a later one never waits."""
        session.ended = True
        self.end_wait(session)

    def end_wait(self, session: Session) -> None:
        """Answer a reserve that waits as if its time were over."""
        if session.waiting:
            self._answer_waiter(session, protocol.TIMED_OUT)

    # Tubes

    def tube(self, name: bytes) -> Tube:
        """The tube of that name, made if need be."""
        tube = self.tubes.get(name)
        if tube is None:
            tube = self.tubes[name] = Tube(name)
        return tube

    def use(self, session: Session, name: bytes) -> None:
        old, new = session.use, self.tube(name)
        new.users += 1
        session.use = new
        old.users -= 1
        self._let_go(old)

    def watch(self, session: Session, name: bytes) -> None:
        tube = self.tube(name)
        if tube not in session.watching:
            session.watching[tube] = None
            tube.watchers += 1

    def ignore(self, session: Session, name: bytes) -> bool:
        """Stop watching; False if it is the only tube watched."""
        tube = self.tubes.get(name)
        if tube is not None and tube in session.watching:
            if len(session.watching) == 1:
                return False
            del session.watching[tube]
            tube.watchers -= 1
            self._let_go(tube)
        return True

    def pause(self, tube: Tube, seconds: int, now: float) -> None:
        """Stop reserving from `tube` for `seconds`; 0 ends a pause."""
        tube.pauses += 1
        tube.pause = seconds
        tube.unpause_at = now + seconds
        if seconds:
            self.timers.arm(tube, tube.unpause_at)
        else:
            self._serve_waiters(tube, now)

    def _let_go(self, tube: Tube) -> None:
        """Forget a tube that nothing refers to; `default` stays for ever."""
        if tube.idle and tube is not self.default:
            del self.tubes[tube.name]
            self.forgotten_jobs += tube.total
            self.timers.disarm(tube)

    # Jobs come, change and go

    def put(self, job: Job, now: float) -> bool:
        """Take in a job whose id was made by counting `last_id` on; False if there is no room for it."""
        if self.max_memory is not None and not self.has_memory(len(job.body)):
            self.refused += 1
            return False
        if job.delay:
            job.state = DELAYED
            job.deadline = now + job.delay
        if self.journal is not None and not self.journal.inserted(job):
            self.refused += 1
            return False
        tube = job.tube
        self.jobs.add(job.id, job)
        self.memory += len(job.body) + JOB_BYTES
        tube.total += 1
        if job.delay:
            self._delay(job)
        elif tube.waiters:
            self.make_ready(job, now)
        else:
            tube.ready.push(job.pri, job)
        return True

    def has_memory(self, size: int) -> bool:
        """Whether a job with a body of `size` bytes may be taken in."""
        return self.max_memory is None or self.memory + size + JOB_BYTES <= self.max_memory

    def restore(self, jobs: Iterable[Job], last_id: int, burials: int) -> None:
        """Take in what a binlog held, before the first client comes."""
        self.last_id = max(self.last_id, last_id)
        self.burials = max(self.burials, burials)
        buried = []
        for job in sorted(jobs, key=attrgetter("id")):
            self.jobs.add(job.id, job)
            self.memory += len(job.body) + JOB_BYTES
            job.tube.restored += 1
            if job.state is READY:
                job.tube.ready.push(job.pri, job)
            elif job.state is DELAYED:
                self._delay(job)
            else:
                buried.append(job)
        for job in sorted(buried, key=attrgetter("deadline")):
            job.tube.buried[job.id] = job
        for tube in list(self.tubes.values()):
            self._let_go(tube)

    def delete(self, session: Session, job: Job) -> bool:
        """Remove a job for good; False if another session holds it."""
        tube = job.tube
        place = job.place
        if place is session:
            del session.held[job.id]
            tube.reserved -= 1
        elif job.state is RESERVED:
            return False
        else:
            self._take_out(job)
        job.place = None
        self.jobs.remove(job.id)
        if self.journal is not None:
            self.journal.deleted(job)
        self.memory -= len(job.body) + JOB_BYTES
        # A swept-over entry may keep the job for a while; its body need not stay.
        job.body = b""
        tube.deletes += 1
        if tube.deletes == tube.total + tube.restored:
            self._let_go(tube)
        return True

    def release(self, session: Session, job: Job, pri: int, delay: int, now: float) -> None:
        self._end_lease(job, session)
        job.pri = pri
        job.delay = delay
        job.past().releases += 1
        if delay:
            job.state = DELAYED
            job.deadline = now + delay
            self._changed(job)
            self._delay(job)
        else:
            job.state = READY
            self._changed(job)
            self.make_ready(job, now)

    def bury(self, session: Session, job: Job, pri: int) -> None:
        self._end_lease(job, session)
        job.pri = pri
        job.state = BURIED
        self.burials += 1
        job.deadline = float(self.burials)
        job.past().buries += 1
        job.tube.buried[job.id] = job
        self._changed(job)

    def touch(self, job: Job, now: float) -> None:
        # Later than before, so `soonest`, a lower bound, still holds.
        job.deadline = now + job.ttr

    def kick(self, tube: Tube, bound: int, now: float) -> int:
        """Make up to `bound` buried jobs ready or, if none is buried, as many delayed ones; how many it were."""
        kicked = 0
        if tube.buried:
            while kicked < bound and tube.buried:
                self.kick_job(next(iter(tube.buried.values())), now)
                kicked += 1
        else:
            while kicked < bound and (job := tube.delayed.head()) is not None:
                self.kick_job(job, now)
                kicked += 1
        return kicked

    def kick_job(self, job: Job, now: float) -> bool:
        """Make one buried or delayed job ready; False if it is neither."""
        if job.state is not BURIED and job.state is not DELAYED:
            return False
        self._take_out(job)
        job.past().kicks += 1
        job.state = READY
        self._changed(job)
        self.make_ready(job, now)
        return True

    def make_ready(self, job: Job, now: float) -> None:
        """Hand a job that is nowhere to the first waiter of its tube, or queue it."""
        tube = job.tube
        if tube.waiters and not tube.pause:
            self._hand_over(job, next(iter(tube.waiters)), now)
        else:
            job.state = READY
            tube.ready.push(job.pri, job)

    def _delay(self, job: Job) -> None:
        """Queue a job whose state and deadline say that it is delayed."""
        job.tube.delayed.push(job)
        self.timers.arm(job.tube, job.deadline)

    def _take_out(self, job: Job) -> None:
        """Remove a job that is not reserved from where it waits."""
        if job.state is READY:
            job.tube.ready.discard(job.pri, job)
        elif job.state is DELAYED:
            job.tube.delayed.discard(job)
        else:
            del job.tube.buried[job.id]

    def _changed(self, job: Job) -> None:
        if self.journal is not None:
            self.journal.updated(job)

    # Leases

    def lease(self, job: Job, session: Session, now: float) -> bytes:
        """Give a job that is nowhere to `session`; the reply that hands it over."""
        job.state = RESERVED
        job.place = session
        job.reserves += 1
        job.deadline = deadline = now + job.ttr
        job.tube.reserved += 1
        session.held[job.id] = job
        if deadline < session.soonest:
            self._watch_lease(session, deadline)
        return protocol.body_reply(b"RESERVED", job.id, job.body)

    def reserve(self, session: Session, now: float, timeout: float | None) -> bytes | None:
        """The best ready job of the tubes that `session` watches, or a refusal, or None: it waits now."""
        tube = self._best_tube(session)
        if tube is not None and (job := tube.ready.pop()) is not None:
            return self.lease(job, session, now)
        if session.held and self._deadline_soon(session, now):
            return protocol.DEADLINE_SOON
        if timeout == 0 or session.ended:
            return protocol.TIMED_OUT
        self._wait(session, now, timeout)
        return None

    def reserve_job(self, session: Session, job: Job, now: float) -> bytes | None:
        """A job by its id from wherever it is, unless somebody holds it."""
        if job.state is RESERVED:
            return None
        self._take_out(job)
        parked = job.state is not READY
        reply = self.lease(job, session, now)
        if parked:  # whatever ends this lease, the job will be ready after it
            self._changed(job)
        return reply

    def _best_tube(self, session: Session) -> Tube | None:
        """The watched tube that reserving would serve: the one with the lowest (priority, id) at its head."""
        best: Tube | None = None
        for tube in session.watching:
            if tube.ready.count and not tube.pause and (best is None or _rank(tube) < _rank(best)):
                best = tube
        return best

    def _wait(self, session: Session, now: float, timeout: float | None) -> None:
        session.waiting = True
        self.waiting += 1
        for tube in session.watching:
            tube.waiters[session] = None
        session.until = NEVER if timeout is None else now + timeout
        self._arm_session(session)

    def _stop_waiting(self, session: Session) -> None:
        if session.waiting:
            session.waiting = False
            self.waiting -= 1
            for tube in session.watching:
                del tube.waiters[session]

    def _answer_waiter(self, session: Session, reply: bytes) -> None:
        self._stop_waiting(session)
        session.out.append(reply)
        self.woken.append(session)

    def _hand_over(self, job: Job, session: Session, now: float) -> None:
        self._stop_waiting(session)
        session.out.append(self.lease(job, session, now))
        self.woken.append(session)

    def _serve_waiters(self, tube: Tube, now: float) -> None:
        """Restore the invariant after a pause has ended."""
        while tube.waiters and (job := tube.ready.pop()) is not None:
            self._hand_over(job, next(iter(tube.waiters)), now)

    def _end_lease(self, job: Job, session: Session) -> None:
        del session.held[job.id]
        job.place = None
        job.tube.reserved -= 1

    def _watch_lease(self, session: Session, deadline: float) -> None:
        if deadline < session.soonest:
            session.soonest = deadline
            self._arm_session(session)

    def _deadline_soon(self, session: Session, now: float) -> bool:
        """Whether a lease of `session` ends within the margin; makes its `soonest` exact if that could matter."""
        if session.soonest - MARGIN > now:
            return False
        session.soonest = min((job.deadline for job in session.held.values()), default=NEVER)
        return session.soonest - MARGIN <= now

    # Time

    def next_deadline(self) -> float | None:
        """When `tick` has something to do next, seconds; None for never."""
        when = self.timers.next()
        return self.breathing_until if when is not None and when < self.breathing_until else when

    def tick(self, now: float) -> None:
        """Do what has fallen due: delays, pauses, leases, waits; in the order of their times.

        Not all of it, if that is much: the clients are served in between.
        """
        left = DUE_AT_ONCE
        for alarm in self.timers.due(now):
            if isinstance(alarm, Tube):
                left -= self._tube_due(alarm, now, left)
                if left <= 0:
                    self.breathing_until = now + BREATH
                    return
            else:
                self._session_due(alarm, now)

    def _tube_due(self, tube: Tube, now: float, most: int) -> int:
        """End a pause, make up to `most` delayed jobs ready; how many it were."""
        if tube.pause and tube.unpause_at <= now:
            tube.pause = 0
            self._serve_waiters(tube, now)
        # Jobs of several tubes fall due in the order of their times, so yield to whoever is earlier.
        limit = self.timers.next()
        done = 0
        while done < most and (job := tube.delayed.head()) is not None and job.deadline <= now:
            if limit is not None and job.deadline > limit:
                break
            tube.delayed.discard(job)
            self.make_ready(job, now)
            done += 1
        if (job := tube.delayed.head()) is not None:
            self.timers.arm(tube, job.deadline)
        if tube.pause:
            self.timers.arm(tube, tube.unpause_at)
        return done

    def _session_due(self, session: Session, now: float) -> None:
        # DEADLINE_SOON comes before the expiry even when both are late, so that a job never returns to
        # the client that let it expire while that client still believes to hold it.
        if session.waiting and self._deadline_soon(session, now):
            self._answer_waiter(session, protocol.DEADLINE_SOON)
        elif session.waiting and session.until <= now:
            self._answer_waiter(session, protocol.TIMED_OUT)
        if session.soonest <= now:
            self._expire_leases(session, now)
        self._arm_session(session)

    def _expire_leases(self, session: Session, now: float) -> None:
        late = [job for job in session.held.values() if job.deadline <= now]
        for job in sorted(late, key=lambda job: (job.deadline, job.id)):
            self._end_lease(job, session)
            job.past().timeouts += 1
            self.timeouts += 1
            self.make_ready(job, now)
        session.soonest = min((job.deadline for job in session.held.values()), default=NEVER)

    def _arm_session(self, session: Session) -> None:
        when = session.soonest
        if session.waiting:
            when = min(when - MARGIN, session.until)
        if when != NEVER:
            self.timers.arm(session, when)

    @property
    def total_jobs(self) -> int:
        """Puts accepted since the start."""
        return self.forgotten_jobs + sum(tube.total for tube in self.tubes.values())

    # For the driver

    def drain(self) -> None:
        """Refuse every further put, for good."""
        self.draining = True

    def take_woken(self) -> list[Session]:
        """The sessions that got a reply while another one, or the clock, was served."""
        woken, self.woken = self.woken, []
        return woken


def _rank(tube: Tube) -> tuple[int, int]:
    rank = tube.ready.rank()
    return (protocol.MAX_U32 + 1, 0) if rank is None else rank
