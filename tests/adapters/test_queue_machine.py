"""The queue as a state machine: whatever crashes when, no evaluation is committed twice and none is lost."""

import tempfile
from pathlib import Path, PurePosixPath

from fakes.evaluations import digest_of, make_plan, make_result
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from observer.adapters.store import FactName, Store
from observer.core.asking import Command, CommandKind, EvaluateNow, Retry
from observer.core.backlog import BacklogPolicy
from observer.core.errors import StaleAttempt
from observer.core.models import Checkpoint, Digest, Job, JobId, JobKind, JobState
from observer.core.plan import plan_digest

PLANS = (make_plan(episodes=1), make_plan(episodes=2))
Key = tuple[Digest, Digest]


def key_of(job: Job) -> Key:
    return (job.checkpoint.digest, plan_digest(job.plan))


class Queue(RuleBasedStateMachine):
    attempts = Bundle("attempts")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = self.opened()
        self.admitted: set[Key] = set()
        self.committed: set[Key] = set()
        self.current: dict[JobId, int] = {}
        self.now = 0.0
        self.asked: list[int] = []
        #: never passed over any more; and of these, before all others
        self.wanted: set[JobId] = set()
        self.urgent: set[JobId] = set()
        self.is_paused = False

    def opened(self) -> Store:
        return Store(Path(self.folder.name) / "observer.db").__enter__()

    @rule(step=st.integers(0, 6), plan=st.sampled_from(PLANS), name=st.sampled_from("ab"))
    def admit(self, step: int, plan: object, name: str) -> None:
        chosen = PLANS[PLANS.index(plan)]
        checkpoint = Checkpoint(digest=digest_of(str(step)), step=step, name=name, size=1, seen_at=self.now)
        key = (checkpoint.digest, plan_digest(chosen))
        new = self.store.admit(checkpoint, [chosen], path=f"/{name}{step}", seen_as="x")
        assert bool(new) == (key not in self.admitted)
        self.admitted.add(key)

    @rule(target=attempts, limit=st.integers(0, 3))
    def claim(self, limit: int) -> object:
        waiting_before = self.store.jobs(JobState.WAITING)
        job = self.store.choose_and_claim(BacklogPolicy(backlog_limit=limit, keep_every=2), now=self.now)
        assert job is None or not self.is_paused
        if job is None:
            return multiple()
        due = self.urgent & {waiting.id for waiting in waiting_before if waiting.not_before <= self.now}
        assert not due or job.id in due
        assert job.attempt > self.current.get(job.id, 0)
        self.current[job.id] = job.attempt
        return job

    @rule(job=attempts)
    def commit(self, job: Job) -> None:
        result = make_result(job.checkpoint, job.plan, skill=0.5, finished_at=self.now)
        is_current = self.is_running(job)
        try:
            self.store.commit_evaluation(job, result, directory=PurePosixPath("x"), render=None, now=self.now)
        except StaleAttempt:
            assert not is_current
        else:
            assert is_current
            assert key_of(job) not in self.committed
            self.committed.add(key_of(job))

    @rule(job=attempts, failures=st.integers(0, 2))
    def fail(self, job: Job, failures: int) -> None:
        is_current = self.is_running(job)
        try:
            self.store.requeue(job, not_before=self.now + 5, failures=failures, error="x")
        except StaleAttempt:
            assert not is_current
        else:
            assert is_current

    @rule(job=consumes(attempts))
    def park(self, job: Job) -> None:
        is_current = self.is_running(job)
        try:
            self.store.park_job(job, word="crashed", sentence="x", now=self.now)
        except StaleAttempt:
            assert not is_current
        else:
            assert is_current

    @rule(
        which=st.one_of(
            st.sampled_from([Retry(every="parked"), Retry(every="skipped"), Retry(name="a")]),
            st.builds(Retry, step=st.integers(0, 6)),
            st.builds(Retry, job=st.integers(1, 5).map(JobId)),
        )
    )
    def ask_for_another_try(self, which: Retry) -> None:
        self.asked += [self.store.requests.ask(CommandKind.RETRY, which, now=self.now)]

    @rule(kind=st.sampled_from([CommandKind.PAUSE, CommandKind.RESUME]))
    def ask_to_pause_or_resume(self, kind: CommandKind) -> None:
        self.asked += [self.store.requests.ask(kind, None, now=self.now)]

    @rule(step=st.integers(0, 8))
    def ask_for_an_evaluation_now(self, step: int) -> None:
        wanted = EvaluateNow(digest=digest_of(str(step)), path=f"/elsewhere/{step}.zip")
        self.asked += [self.store.requests.ask(CommandKind.EVALUATE, wanted, now=self.now)]

    @rule()
    def obey(self) -> None:
        """As the daemon does: in the order in which it was asked, each request once."""
        for command in self.store.requests.waiting():
            assert command.id == self.asked.pop(0)
            if isinstance(command.argument, Retry):
                self.retry(command, command.argument)
            elif isinstance(command.argument, EvaluateNow):
                self.evaluate(command, command.argument)
            elif command.kind is CommandKind.PAUSE:
                self.store.requests.pause(command, now=self.now)
                self.is_paused = True
            else:
                self.store.requests.resume(command, now=self.now)
                self.is_paused = False
        assert self.asked == []

    def retry(self, command: Command, which: Retry) -> None:
        meant = {job for job, *_ in self.store.requests.retriable(which).jobs}
        before = {job.id: job.state for job in self.store.jobs()}
        self.store.requests.retry(command, which, now=self.now)
        after = {job.id: job.state for job in self.store.jobs()}
        assert {job for job in after if after[job] != before[job]} == meant
        assert all(before[job] in {JobState.PARKED, JobState.SKIPPED} for job in meant)
        self.wanted |= meant

    def evaluate(self, command: Command, wanted: EvaluateNow) -> None:
        step = int(wanted.path.rpartition("/")[2].removesuffix(".zip"))
        checkpoint = Checkpoint(digest=wanted.digest, step=step, name="n", size=1, seen_at=self.now)
        self.store.requests.evaluate(command, checkpoint, PLANS[:1], now=self.now)
        key = (checkpoint.digest, plan_digest(PLANS[0]))
        self.admitted.add(key)
        (job,) = [job for job in self.store.jobs() if key_of(job) == key]
        assert job.state in {JobState.WAITING, JobState.RUNNING, JobState.DONE}
        if job.state is JobState.WAITING:
            self.wanted.add(job.id)
            self.urgent.add(job.id)

    @rule()
    def wait(self) -> None:
        self.now += 10.0

    @rule()
    def die_and_start_again(self) -> None:
        self.store.__exit__(None, None, None)
        self.store = self.opened()
        for job in self.store.running():
            self.store.requeue(job, not_before=0.0, failures=job.failures, error=job.error)

    def is_running(self, job: Job) -> bool:
        return any((job.id, job.attempt) == (other.id, other.attempt) for other in self.store.running())

    @invariant()
    def nothing_is_lost_and_nothing_is_double(self) -> None:
        jobs = [key_of(job) for job in self.store.jobs()]
        assert sorted(jobs) == sorted(self.admitted)
        recorded = [(entry.checkpoint.digest, entry.plan_digest) for entry in self.store.evaluations()]
        assert sorted(recorded) == sorted(self.committed)
        assert self.store.counts(JobKind.EVALUATE)[JobState.DONE] == len(self.committed)

    @invariant()
    def what_was_asked_for_is_kept_and_not_passed_over(self) -> None:
        assert [command.id for command in self.store.requests.waiting()] == self.asked
        assert (self.store.facts.get(FactName.PAUSED) is not None) == self.is_paused
        assert self.wanted.isdisjoint(job.id for job in self.store.jobs(JobState.SKIPPED))

    def teardown(self) -> None:
        self.store.__exit__(None, None, None)
        self.folder.cleanup()


TestQueue = Queue.TestCase
TestQueue.settings = settings(max_examples=25, stateful_step_count=25)
