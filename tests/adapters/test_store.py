import resource
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from fakes.evaluations import digest_of, make_plan, make_result

from observer.adapters.store import Store, rows, set_aside
from observer.adapters.store.schema import MIGRATIONS
from observer.core.asking import CommandKind, Retry
from observer.core.backlog import BacklogPolicy
from observer.core.encoding import Encoding
from observer.core.errors import SchemaTooNew, StaleAttempt, StoreDamaged, StoreError
from observer.core.highlights import Past
from observer.core.models import (
    Checkpoint,
    Clip,
    EvaluationPlan,
    Highlight,
    Job,
    JobKind,
    JobState,
    Outcome,
    ParkedFile,
    RenderSpec,
)

PLAN = make_plan(episodes=3)
POLICY = BacklogPolicy(backlog_limit=0)
RENDER = RenderSpec(highlights=(Highlight(seed=1, reason="best"),), encoding=Encoding(scale=2))
CLIP = Clip(
    highlight=RENDER.highlights[0],
    video="best-1.mp4",
    poster="best-1.png",
    frames=9,
    seconds=0.15,
    width=256,
    height=224,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "observer.db") as opened:
        yield opened


def checkpoint(step: int) -> Checkpoint:
    return Checkpoint(digest=digest_of(str(step)), step=step, name=f"m_{step}.zip", size=9, seen_at=float(step))


def admit(store: Store, step: int, plan: EvaluationPlan = PLAN, *, path: str = "") -> list[int]:
    found = checkpoint(step)
    return [int(job) for job in store.admit(found, [plan], path=path or f"/w/m_{step}.zip", seen_as=f"{step}")]


def claim(store: Store, *, now: float = 10.0) -> Job:
    job = store.choose_and_claim(POLICY, now=now)
    assert isinstance(job, Job)
    return job


def commit(store: Store, job: Job, *, render: RenderSpec | None = None) -> None:
    result = make_result(job.checkpoint, job.plan, skill=0.5, finished_at=50.0)
    store.commit_evaluation(job, result, directory=PurePosixPath("checkpoints/x/y"), render=render, now=60.0)


def retry(store: Store, which: Retry) -> str:
    store.requests.ask(CommandKind.RETRY, which, now=5.0)
    (command,) = store.requests.waiting()
    return store.requests.retry(command, which, now=6.0)


def test_a_checkpoint_is_admitted_once(store: Store) -> None:
    assert admit(store, 5) == [1]
    assert admit(store, 5) == []
    assert admit(store, 5, path="/w/another-name.zip") == []
    assert store.counts()[JobState.WAITING] == 1


def test_another_plan_is_another_evaluation(store: Store) -> None:
    assert admit(store, 5) == [1]
    assert admit(store, 5, make_plan(episodes=4)) == [2]


def test_a_claimed_job_is_whole_and_runs(store: Store) -> None:
    admit(store, 5)
    job = claim(store)
    assert (job.checkpoint, job.plan, job.attempt, job.kind) == (checkpoint(5), PLAN, 1, JobKind.EVALUATE)
    assert store.running() == [job]
    assert store.choose_and_claim(POLICY, now=11.0) is None


def test_a_result_and_its_rendering_are_committed_together(store: Store) -> None:
    admit(store, 5)
    commit(store, claim(store), render=RENDER)
    (evaluation,) = store.evaluations()
    assert evaluation.checkpoint == checkpoint(5)
    assert (evaluation.directory, evaluation.finished_at, evaluation.clips) == (
        PurePosixPath("checkpoints/x/y"),
        50.0,
        (),
    )
    job = claim(store)
    assert (job.kind, job.render) == (JobKind.RENDER, RENDER)
    store.commit_clips(job, [CLIP], problem=None, now=70.0)
    assert store.evaluations()[0].clips == (CLIP,)
    assert store.unfinished() == 0


def test_a_second_commit_and_one_of_an_earlier_attempt_are_refused(store: Store) -> None:
    admit(store, 5)
    first = claim(store)
    store.requeue(first, not_before=0.0, failures=0, error=None)
    second = claim(store)
    with pytest.raises(StaleAttempt):
        commit(store, first)
    commit(store, second)
    for stale in (first, second):
        with pytest.raises(StaleAttempt):
            commit(store, stale)
        with pytest.raises(StaleAttempt):
            store.requeue(stale, not_before=0.0, failures=1, error="late")
        with pytest.raises(StaleAttempt):
            store.park_job(stale, word="crashed", sentence="late", now=1.0)
    assert len(store.evaluations()) == 1


def test_a_refused_commit_leaves_nothing_behind(store: Store) -> None:
    admit(store, 5)
    job = claim(store)
    result = make_result(job.checkpoint, job.plan, skill=0.5, finished_at=50.0)
    twice = replace(result, episodes=(*result.episodes, result.episodes[0]))
    with pytest.raises(sqlite3.IntegrityError):
        store.commit_evaluation(job, twice, directory=PurePosixPath("x"), render=RENDER, now=60.0)
    assert store.evaluations() == []
    assert store.running() == [job]
    assert store.counts(JobKind.RENDER)[JobState.WAITING] == 0


def test_a_job_that_was_put_back_waits_for_its_time(store: Store) -> None:
    admit(store, 5)
    store.requeue(claim(store), not_before=100.0, failures=2, error="it fell over")
    assert store.choose_and_claim(POLICY, now=99.0) is None
    job = claim(store, now=100.0)
    assert (job.attempt, job.failures, job.error) == (2, 2, "it fell over")


def test_parked_files_and_parked_jobs_are_listed_until_they_are_retried(store: Store) -> None:
    file = ParkedFile(path="/w/bad.zip", word="not_sb3", sentence="no data", seen_at=3.0)
    store.park_file(file, seen_as="a")
    admit(store, 5)
    job = claim(store)
    store.park_job(job, word="space_mismatch", sentence="other spaces", now=4.0)
    parked = ParkedFile(path="m_5.zip", word="space_mismatch", sentence="other spaces", seen_at=4.0)
    assert store.parked() == [file, parked]
    retry(store, Retry(job=job.id))
    assert store.parked() == [file]
    assert claim(store).attempt == 2


def test_a_parked_file_that_became_good_is_no_longer_parked(store: Store) -> None:
    store.park_file(ParkedFile(path="/w/m_5.zip", word="damaged", sentence="torn", seen_at=3.0), seen_as="a")
    assert store.seen_files() == {"/w/m_5.zip": "a"}
    admit(store, 5)
    assert store.parked() == []
    assert store.seen_files() == {"/w/m_5.zip": "5"}


def test_what_is_passed_over_is_recorded_and_can_be_asked_for(store: Store) -> None:
    for step in range(1, 5):
        admit(store, step)
    job = store.choose_and_claim(BacklogPolicy(backlog_limit=1, keep_every=0), now=1.0)
    assert isinstance(job, Job)
    assert job.checkpoint.step == 4
    assert store.counts()[JobState.SKIPPED] == 3
    retry(store, Retry(step=1))
    policy = BacklogPolicy(backlog_limit=1, keep_every=0)
    revived = store.choose_and_claim(policy, now=2.0)
    assert isinstance(revived, Job)
    assert revived.checkpoint.step == 1


def test_snapshots_are_wanted_until_their_evaluations_are_done_and_filmed(store: Store) -> None:
    admit(store, 5)
    assert store.copies.wanted() == {checkpoint(5).digest}
    commit(store, claim(store), render=RENDER)
    assert store.copies.wanted() == {checkpoint(5).digest}
    store.commit_clips(claim(store), [], problem=None, now=70.0)
    assert store.copies.wanted() == set()


def test_the_revision_rises_with_everything_that_people_see(store: Store) -> None:
    seen = [store.revision()]
    admit(store, 5)
    seen.append(store.revision())
    job = claim(store)
    commit(store, job, render=RENDER)
    seen.append(store.revision())
    store.commit_clips(claim(store), [CLIP], problem=None, now=70.0)
    seen.append(store.revision())
    store.park_file(ParkedFile(path="/w/x.zip", word="gone", sentence="gone", seen_at=3.0), seen_as="a")
    seen.append(store.revision())
    assert seen == sorted(set(seen))


def test_each_writer_has_its_own_cursor(store: Store) -> None:
    assert store.cursor("metrics.csv") == 0
    store.advance("metrics.csv", 7)
    store.advance("metrics.csv", 8)
    assert (store.cursor("metrics.csv"), store.cursor("report")) == (8, 0)


def test_evaluations_are_listed_in_the_order_of_their_commits(store: Store) -> None:
    for step in (2, 1, 3):
        admit(store, step)
        commit(store, claim(store))
    assert [entry.checkpoint.step for entry in store.evaluations()] == [2, 1, 3]


def test_the_past_of_a_game_is_the_evaluated_checkpoint_before_it_and_whether_any_won(store: Store) -> None:
    plan = make_plan()
    for step in (100, 300, 200):
        admit(store, step, plan)
        commit(store, claim(store))
    lost = {
        step: frozenset(
            game.seed
            for game in make_result(checkpoint(step), plan, skill=0.5, finished_at=50.0).episodes
            if game.outcome is not Outcome.WIN
        )
        for step in (100, 200, 300)
    }
    assert len(set(lost.values())) == 3
    assert store.totals.past(plan, 100) == Past()
    assert store.totals.past(plan, 101) == Past(has_cleared=True, not_won=lost[100])
    assert store.totals.past(plan, 300) == Past(has_cleared=True, not_won=lost[200])
    assert store.totals.past(make_plan(level=7), 999) == Past()


def test_a_reader_sees_what_is_committed_while_the_writer_works(store: Store, tmp_path: Path) -> None:
    admit(store, 5)
    with Store(tmp_path / "observer.db", read_only=True) as reader:
        assert reader.counts()[JobState.WAITING] == 1
        claim(store)
        assert reader.counts()[JobState.RUNNING] == 1
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.advance("x", 1)


def test_a_reader_without_a_database_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="has `observer run` been started"), Store(tmp_path / "x.db", read_only=True):
        pass


def test_a_reader_does_not_see_a_database_that_is_just_being_made(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "observer.db").close()
    (tmp_path / "observer.db").touch()
    with (
        pytest.raises(StoreError, match="has `observer run` been started"),
        Store(tmp_path / "observer.db", read_only=True),
    ):
        pass


def test_a_newer_database_is_left_alone(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "observer.db")
    connection.execute("PRAGMA user_version=99")
    connection.close()
    for read_only in (False, True):
        with (
            pytest.raises(SchemaTooNew, match="use the newer one"),
            Store(tmp_path / "observer.db", read_only=read_only),
        ):
            pass


@pytest.mark.parametrize("harm", ["no database", "truncated", "overwritten", "foreign"])
def test_a_database_that_is_damaged_or_not_ours_is_told_from_one_that_cannot_be_used_now(
    tmp_path: Path, harm: str
) -> None:
    path = tmp_path / "observer.db"
    if harm == "foreign":
        with closing(sqlite3.connect(path)) as foreign:
            foreign.execute("CREATE TABLE songs(name)")
    else:
        with Store(path) as store:
            for step in range(200):
                admit(store, step)
        whole = path.read_bytes()
        harmed = {
            "no database": b"certainly not SQLite" * 100,
            "truncated": whole[: len(whole) // 2],
            "overwritten": whole[:8192] + b"\xff" * 4096 + whole[12288:],
        }
        path.write_bytes(harmed[harm])
    with pytest.raises(StoreDamaged, match=r"observer\.db is "), Store(path):
        pass
    set_aside(path, mark="today")
    with Store(path) as store:
        assert admit(store, 1) == [1]
    assert (tmp_path / "observer.db.damaged-today").exists()


def test_a_database_that_may_not_be_written_is_not_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "observer.db").mkdir()
    with pytest.raises(StoreError, match=r"cannot be used") as caught, Store(tmp_path / "observer.db"):
        pass
    assert not isinstance(caught.value, StoreDamaged)


def test_an_older_database_is_brought_up_to_date_and_a_copy_of_it_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "observer.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        MIGRATIONS[0](old)
        old.execute("PRAGMA user_version=1")
        old.execute("INSERT INTO checkpoint VALUES ('d', 5, 'm_5.zip', 9, 5.0)")
        body = rows.plan_text(PLAN)
        old.execute("INSERT INTO plan VALUES ('p', ?)", (body,))
        old.execute(
            "INSERT INTO job(kind, checkpoint, plan, detail, state, changed_at) "
            "VALUES ('evaluate', 'd', 'p', '', 'waiting', 1.0)"
        )
    with Store(path) as store:
        job = claim(store)
    assert (job.checkpoint.step, job.kills) == (5, 0)
    with closing(sqlite3.connect(tmp_path / "observer.db.version-1")) as kept:
        assert kept.execute("PRAGMA user_version").fetchone() == (1,)
        assert kept.execute("SELECT state FROM job").fetchall() == [("waiting",)]


def test_a_reader_of_an_older_database_is_told_to_start_the_daemon(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "observer.db", isolation_level=None)) as old:
        MIGRATIONS[0](old)
        old.execute("PRAGMA user_version=1")
    for access in ({"read_only": True}, {"to_ask": True}):
        with pytest.raises(StoreError, match="older observer"), Store(tmp_path / "observer.db", **access):
            pass


def test_requests_are_left_beside_the_daemon_that_has_the_database(store: Store, tmp_path: Path) -> None:
    with Store(tmp_path / "observer.db", to_ask=True) as guest:
        guest.requests.ask(CommandKind.PAUSE, None, now=1.0)
    assert [command.kind for command in store.requests.waiting()] == [CommandKind.PAUSE]


def test_every_commit_is_durable_and_every_reference_checked(store: Store) -> None:
    pragmas = {
        name: store._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
    }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}
    with pytest.raises(sqlite3.IntegrityError):
        store._connection.execute("INSERT INTO evaluation VALUES (1, 9, 'x', 'y', 's', 'd', 0.0, '{}')")


def test_the_store_belongs_to_one_thread(store: Store) -> None:
    caught: list[BaseException] = []

    def use() -> None:
        try:
            store.revision()
        except sqlite3.ProgrammingError as error:
            caught.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert caught


@pytest.mark.parametrize("length", [10, 20_000_000], ids=["while committing", "while writing"])
def test_a_file_that_cannot_grow_is_said_as_it_is_and_nothing_is_half_written(
    store: Store, tmp_path: Path, length: int
) -> None:
    admit(store, 1)
    revision = store.revision()
    parked = ParkedFile(path="/w/x.zip", word="crc", sentence="x" * length, seen_at=1.0)
    with files_no_larger_than((tmp_path / "observer.db-wal").stat().st_size):
        for _ in range(2):
            with pytest.raises(sqlite3.OperationalError, match=r"disk"):
                store.park_file(parked, seen_as="it")
    assert store.parked() == []
    assert store.revision() == revision
    assert admit(store, 2)


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """As good as a full disk; the signal that comes with it is one that Python ignores."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
