from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observer.core.asking import Urgency
from observer.core.backlog import BacklogPolicy, Choice, Waiting, choose
from observer.core.models import Digest, JobId, JobKind

NOW = 1_000_000.0
PLAN = Digest("plan")


def evaluation(number: int, *, step: int | None = None, started: bool = False, not_before: float = 0.0) -> Waiting:
    return Waiting(
        id=JobId(number),
        kind=JobKind.EVALUATE,
        plan=PLAN,
        step=1000 * number if step is None else step,
        position=number - 1,
        was_started=started,
        not_before=not_before,
    )


def rendering(number: int, *, step: int) -> Waiting:
    return Waiting(
        id=JobId(number),
        kind=JobKind.RENDER,
        plan=PLAN,
        step=step,
        position=0,
        was_started=False,
        not_before=0.0,
    )


def decide(waiting: list[Waiting], policy: BacklogPolicy | None = None, *, taken: tuple[int, ...] = ()) -> Choice:
    return choose(waiting, policy or BacklogPolicy(), now=NOW, taken=[(PLAN, step) for step in taken])


def test_nothing_waits_and_nothing_is_chosen() -> None:
    assert decide([]) == Choice(claim=None, skip=())


def test_every_third_checkpoint_is_evaluated_in_the_order_they_came() -> None:
    waiting = [evaluation(number) for number in range(1, 8)]
    policy = BacklogPolicy(every_checkpoints=3, backlog_limit=0)
    assert decide(waiting, policy).skip == (2, 3, 5, 6)
    assert decide(waiting[4:], policy).skip == (5, 6)
    started = [evaluation(2, started=True), replace(evaluation(3), urgency=Urgency.ASKED)]
    assert decide(started, policy).skip == ()


def test_the_time_lapse_waits_with_the_clips_and_films_of_the_training_wait_for_all() -> None:
    timelapse = replace(rendering(7, step=2), kind=JobKind.TIMELAPSE)
    film = replace(rendering(8, step=9_000_000), kind=JobKind.FILM)
    assert decide([evaluation(5), timelapse, film]).claim == 5
    assert decide([rendering(6, step=1), timelapse, film]).claim == 7
    assert decide([evaluation(5), *(replace(film, id=JobId(number)) for number in range(10, 20))]).claim == 5
    assert decide([film]).claim == 8


def test_what_is_asked_for_at_once_goes_before_all_else_and_clips() -> None:
    waiting = [evaluation(5), replace(evaluation(1), urgency=Urgency.NOW), rendering(7, step=1), rendering(8, step=2)]
    assert decide([*waiting, rendering(9, step=3)]).claim == 1


@pytest.mark.parametrize(("order", "expected"), [("newest_first", 3), ("oldest_first", 1)])
def test_the_order_is_by_step(order: str, expected: int) -> None:
    waiting = [evaluation(2), evaluation(3), evaluation(1)]
    assert decide(waiting, BacklogPolicy(order=order)).claim == expected  # type: ignore[arg-type]


def test_a_job_that_has_to_wait_lets_an_older_one_go_first() -> None:
    assert decide([evaluation(1), evaluation(2, not_before=NOW + 60)]).claim == 1


def test_a_wait_from_a_clock_that_was_set_back_is_over() -> None:
    a_day_ahead = NOW + 86400
    assert decide([evaluation(1, not_before=a_day_ahead)]).claim == 1


def test_more_than_the_limit_are_skipped_oldest_first() -> None:
    policy = BacklogPolicy(backlog_limit=2, keep_every=0)
    assert decide([evaluation(n) for n in range(1, 6)], policy) == Choice(
        claim=JobId(5), skip=(JobId(1), JobId(2), JobId(3))
    )


def test_every_nth_checkpoint_is_kept_whatever_waits() -> None:
    policy = BacklogPolicy(backlog_limit=1, keep_every=3)
    assert decide([evaluation(n) for n in range(1, 9)], policy).skip == (2, 3, 5, 6)


def test_a_limit_of_zero_skips_nothing() -> None:
    assert decide([evaluation(n) for n in range(1, 100)], BacklogPolicy(backlog_limit=0)).skip == ()


def test_a_job_that_was_started_is_finished() -> None:
    policy = BacklogPolicy(backlog_limit=1, keep_every=0)
    assert decide([evaluation(1, started=True), evaluation(2), evaluation(3)], policy).skip == (2,)


def test_only_the_first_checkpoint_of_every_span_of_steps_is_evaluated() -> None:
    policy = BacklogPolicy(every_steps=50_000, backlog_limit=0)
    waiting = [evaluation(n, step=20_000 * n) for n in range(1, 8)]
    assert decide(waiting, policy).skip == (2, 4, 6, 7)
    assert decide(waiting, policy, taken=(0,)).skip == (1, 2, 4, 6, 7)


def test_another_plan_takes_no_span() -> None:
    policy = BacklogPolicy(every_steps=50_000)
    assert choose([evaluation(1)], policy, now=NOW, taken=[(Digest("other"), 1)]).skip == ()


def test_evaluations_go_before_renderings() -> None:
    assert decide([evaluation(1), rendering(9, step=90_000)]).claim == 1


def test_renderings_come_in_between_when_more_of_them_wait() -> None:
    assert decide([evaluation(1), rendering(8, step=1), rendering(9, step=2)]).claim == 9


def test_a_rendering_runs_while_every_evaluation_has_to_wait() -> None:
    assert decide([evaluation(1, not_before=NOW + 10), rendering(9, step=1)]).claim == 9


@given(
    st.lists(st.tuples(st.integers(1, 60), st.booleans()), unique_by=lambda pair: pair[0], max_size=40),
    st.integers(1, 5),
    st.integers(1, 7),
)
def test_no_kept_or_started_checkpoint_is_ever_skipped(
    jobs: list[tuple[int, bool]], backlog_limit: int, keep_every: int
) -> None:
    waiting = [evaluation(number, started=started) for number, started in jobs]
    choice = decide(waiting, BacklogPolicy(backlog_limit=backlog_limit, keep_every=keep_every))
    may_go = [job.id for job in waiting if not job.was_started and job.position % keep_every]
    assert set(choice.skip) <= set(may_go)
    assert len(may_go) - len(choice.skip) == min(len(may_go), backlog_limit)
    assert choice.claim not in choice.skip
    assert (choice.claim is None) == (not waiting)
