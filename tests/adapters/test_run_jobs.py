"""Work of the whole run: of a thing to be made only the last order counts, whatever becomes of the others."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fakes.evaluations import digest_of, make_plan
from hypothesis import given, settings
from hypothesis import strategies as st

from observer.adapters.store import Store, rows
from observer.adapters.store.schema import MIGRATIONS
from observer.core.asking import CommandKind, Retry
from observer.core.backlog import BacklogPolicy
from observer.core.errors import StaleAttempt, StoreError
from observer.core.models import Checkpoint, JobKind, JobState
from observer.core.runjob import RunJob

POLICY = BacklogPolicy(backlog_limit=0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "observer.db") as opened:
        yield opened


def want(store: Store, detail: str, *, subject: str = "all") -> int | None:
    return store.of_run.want(JobKind.TIMELAPSE, subject, detail, now=1.0, step=7)


def claim(store: Store) -> RunJob:
    job = store.choose_and_claim(POLICY, now=10.0)
    assert isinstance(job, RunJob)
    return job


def test_what_is_wanted_is_claimed_with_its_order_and_leaves_its_result(store: Store) -> None:
    want(store, "1 2")
    job = claim(store)
    assert (job.kind, job.subject, job.detail, job.step, job.attempt) == (JobKind.TIMELAPSE, "all", "1 2", 7, 1)
    assert store.running() == [job]
    assert store.jobs() == []
    revision = store.revision()
    store.of_run.commit(job, "made of 1 2", problem=None, now=20.0)
    assert store.of_run.results(JobKind.TIMELAPSE) == {"all": "made of 1 2"}
    assert store.of_run.results(JobKind.FILM) == {}
    assert store.revision() > revision
    with pytest.raises(StaleAttempt):
        store.of_run.commit(job, "again", problem=None, now=21.0)


def test_the_same_order_is_none_and_a_new_one_takes_the_place_of_one_that_waits(store: Store) -> None:
    first = want(store, "1")
    assert first is not None
    assert want(store, "1") is None
    assert want(store, "1 2") == first
    assert want(store, "3", subject="another") != first
    assert store.unfinished() == 2


def test_behind_an_order_that_runs_one_more_waits(store: Store) -> None:
    want(store, "1")
    job = claim(store)
    want(store, "1 2")
    want(store, "3", subject="another")
    assert claim(store).subject == "another"
    assert store.choose_and_claim(POLICY, now=10.0) is None, "two would make the same thing, and the older one last"
    store.of_run.commit(job, "made of 1", problem=None, now=20.0)
    assert claim(store).detail == "1 2"


@pytest.mark.parametrize("end", ["requeue", "park"])
def test_an_order_that_was_replaced_while_it_ran_and_did_not_get_through_is_forgotten(store: Store, end: str) -> None:
    want(store, "1")
    job = claim(store)
    want(store, "1 2")
    if end == "requeue":
        store.requeue(job, not_before=0.0, failures=1, error="x")
    else:
        store.park_job(job, word="crashed", sentence="x", now=5.0)
    assert {order.detail for order in store.of_run.newest(JobKind.TIMELAPSE).values()} == {"1 2"}
    assert store.unfinished() == 1
    assert store.counts(JobKind.TIMELAPSE)[JobState.PARKED] == 0


def test_an_order_that_was_given_up_is_tried_again_when_asked_for_or_when_it_changes(store: Store) -> None:
    want(store, "1")
    store.park_job(claim(store), word="crashed", sentence="x", now=5.0)
    assert want(store, "1") is None
    which = Retry(every="parked")
    store.requests.ask(CommandKind.RETRY, which, now=5.0)
    (command,) = store.requests.waiting()
    store.requests.retry(command, which, now=6.0)
    store.park_job(claim(store), word="crashed", sentence="x", now=7.0)
    assert want(store, "1 2") is not None
    assert (claim(store).failures, store.unfinished()) == (0, 1)


def test_what_lies_there_already_is_taken_as_done_once(store: Store) -> None:
    for expected in (True, False):
        adopted = store.of_run.adopt(JobKind.FILM, "a 100", "{}", result="clip", now=1.0)
        assert adopted is expected
    assert store.of_run.results(JobKind.FILM) == {"a 100": "clip"}
    assert store.of_run.want(JobKind.FILM, "a 100", "{}", now=2.0) is None
    assert store.unfinished() == 0


@settings(max_examples=40)
@given(st.lists(st.sampled_from(["want 1", "want 2", "claim", "commit", "fail", "park"]), max_size=30))
def test_whatever_happens_the_last_order_is_done_or_still_to_be_done_and_one_waits_at_most(events: list[str]) -> None:
    """In memory, for a file's worth of safety is tested elsewhere."""
    with Store(Path(":memory:")) as store:
        wanted, running = "", list[RunJob]()
        for event in events:
            if event.startswith("want"):
                wanted = event
                want(store, event)
            elif event == "claim" and (job := store.choose_and_claim(POLICY, now=10.0)) is not None:
                assert isinstance(job, RunJob)
                running.append(job)
            elif running and event == "commit":
                store.of_run.commit(running.pop(), "made", problem=None, now=5.0)
            elif running and event == "fail":
                store.requeue(running.pop(), not_before=0.0, failures=0, error="x")
            elif running and event == "park":
                store.park_job(running.pop(), word="crashed", sentence="x", now=5.0)
        newest = store.of_run.newest(JobKind.TIMELAPSE)
        assert {order.detail for order in newest.values()} == ({wanted} if wanted else set())
        assert store.counts(JobKind.TIMELAPSE)[JobState.WAITING] <= 1


def test_a_database_of_the_second_version_keeps_every_job_and_what_refers_to_it(tmp_path: Path) -> None:
    path = tmp_path / "observer.db"
    checkpoint = Checkpoint(digest=digest_of("d"), step=5, name="m_5.zip", size=9, seen_at=5.0)
    plan = make_plan(episodes=2)
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        for migrate in MIGRATIONS[:2]:
            migrate(old)
        old.execute("PRAGMA user_version=2")
        rows.add_checkpoint(old, checkpoint)
        for kind in ("evaluate", "render"):
            rows.add_job(old, JobKind(kind), checkpoint, plan, now=5.0)
        old.execute("UPDATE job SET state = 'done', attempt = 3 WHERE kind = 'evaluate'")
        old.execute(
            "INSERT INTO evaluation(job, checkpoint, plan, scenario, directory, finished_at, provenance) "
            "SELECT id, checkpoint, plan, 's', 'd', 9.0, '{}' FROM job WHERE kind = 'evaluate'"
        )
    with Store(path) as store:
        assert [(job.id, job.kind.value, job.attempt) for job in store.jobs()] == [(1, "evaluate", 3), (2, "render", 0)]
        assert len(store.evaluations()) == 1
        assert want(store, "1") == 3
        assert store.admit(checkpoint, [plan], path="m", seen_as="x") == []
    with Store(path, read_only=True) as reader:
        assert reader.unfinished() == 2


def test_a_second_version_whose_references_are_broken_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "observer.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        for migrate in MIGRATIONS[:2]:
            migrate(old)
        old.execute("PRAGMA user_version=2")
        old.execute(
            "INSERT INTO evaluation(job, checkpoint, plan, scenario, directory, finished_at, provenance) "
            "VALUES (9, 'c', 'p', 's', 'd', 9.0, '{}')"
        )
    with pytest.raises(StoreError, match="refer to nothing"), Store(path):
        pass
    with closing(sqlite3.connect(path)) as left:
        assert left.execute("PRAGMA user_version").fetchone() == (2,)
