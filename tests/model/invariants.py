"""What must hold in every run of the model, whatever struck."""

from __future__ import annotations

from collections.abc import Iterator

from llmbus.shared.codec import decode_result
from llmbus.shared.result import ExecutionStatus, FailureKind
from tests.model.excuses import unexcused_calls
from tests.model.journal import Journal, ResultSent, StoredOnce
from tests.model.punctuality import late_by_now
from tests.model.workers import MAX_CRASHES
from tests.model.world import World

__all__ = ["broken_at_the_end", "broken_now"]

_ON_ITS_WAY_SECONDS = 0.3
"""How long before its call a run may have been given its claim, if its worker is awake."""


def broken_now(world: World) -> list[str]:
    """What has gone wrong by this moment."""
    journal, now = world.journal, world.now
    return [
        *journal.wrong,
        *(broken for task_id in journal.calls for broken in unexcused_calls(journal, task_id)),
        *_attempts(journal),
        *_refused(journal),
        *_two_ends(journal),
        *_given_up(journal),
        *_deadly(journal),
        *_cancelled(journal, now),
        *_left_open(journal, now),
        *late_by_now(world),
    ]


def broken_at_the_end(journal: Journal) -> list[str]:
    """What is left open when all faults have healed and time enough has passed."""
    lost = [
        f"{task_id} was accepted and has no result"
        for task_id in journal.accepted
        if not journal.is_answered(task_id)
    ]
    left = [
        f"{copies} messages of {task_id} are left in the broker"
        for task_id, copies in journal.copies.items()
        if copies
    ]
    return lost + left


def _attempts(journal: Journal) -> Iterator[str]:
    """The script's attempt is one more."""
    for call in journal.all_calls():
        limit = journal.asked_of(call.run).max_attempts
        if limit is not None and call.run.attempt > limit + call.by_script:
            yield f"{call} is beyond the {limit} attempts of its task"


def _refused(journal: Journal) -> Iterator[str]:
    """What is published is what is stored, except by those whom the store did not hear."""
    for task_id, results in journal.results.items():
        bodies = {stored.body for stored in _stored(journal, task_id)}
        for sent in results:
            if sent.body in bodies or sent.result.status is ExecutionStatus.CANCELLED:
                continue  # whoever meets a cancelled task tells of it, and stores nothing
            if not _was_alone(journal, task_id, sent):
                yield f"a result of {task_id} was published that the store has refused"


def _was_alone(journal: Journal, task_id: str, sent: ResultSent) -> bool:
    return any(
        run.is_unclaimed or run.unheard_since < sent.at
        for run in journal.runs.get(task_id, ())
        if run.process.name == sent.result.worker_id
    )


def _two_ends(journal: Journal) -> Iterator[str]:
    """As long as the store remembers the first result, there is no second one."""
    for place, later in enumerate(journal.stored):
        for earlier in journal.stored[:place]:
            alike = earlier.task_id == later.task_id and earlier.claim.token != later.claim.token
            if not alike or journal.forgot_between(earlier.at, later.at):
                continue
            if earlier.submission == later.submission:
                yield f"one submission of {later.task_id} has two results in the store"
            if earlier.succeeded and later.succeeded:
                yield f"{later.task_id} was paid for, answered and stored twice"


def _given_up(journal: Journal) -> Iterator[str]:
    """Whatever is given up can be redriven."""
    for task_id, results in journal.results.items():
        for sent in results:
            failure = sent.result.failure
            if failure is None or failure.kind is FailureKind.EXPIRED:
                continue
            poison = failure.kind is FailureKind.POISON
            by_script = sent.result.metadata.get("execution_mode") == "subprocess"
            if (poison or by_script) and task_id not in journal.was_parked:
                yield f"{task_id} was given up ({failure.kind}) and is not in parking"


def _deadly(journal: Journal) -> Iterator[str]:
    """Nobody is asked any more for what has killed so many workers."""
    for task_id, calls in journal.calls.items():
        later = calls[-1]
        deaths = [
            call
            for call in calls[:-1]
            if journal.killed.get(call.process, later.time.start) < later.time.start
            and call.ending == "cut"
            and call.run.claim is not None
            and call.time.end == journal.killed[call.process]
        ]
        since = deaths[0].time.start - _ON_ITS_WAY_SECONDS if deaths else 0.0
        is_known = not journal.trouble_between(since, later.time.start) and not any(
            since <= stored.at <= later.time.start for stored in _stored(journal, task_id)
        )
        if len(deaths) >= MAX_CRASHES and is_known and not later.run.is_unclaimed:
            yield f"{later} was made although {len(deaths)} workers had died of its task"


def _left_open(journal: Journal, now: float) -> Iterator[str]:
    """Who ends in order takes nothing along."""
    for (task_id, _), process in journal.open_starts.items():
        if process in journal.ended and not journal.trouble_between(0, now):
            yield f"{process.name} has ended and left a start of {task_id} open"


def _cancelled(journal: Journal, now: float) -> Iterator[str]:
    for (task_id, submission), at in journal.cancelled.items():
        if journal.forgot_between(at, now):
            continue
        for call in journal.calls.get(task_id, ()):
            run, start = call.run, call.time.start
            if run.submission != submission or run.is_unclaimed:
                continue
            if journal.awake_seconds(call.process, at, start) > _ON_ITS_WAY_SECONDS:
                yield f"{call} was made after its submission was cancelled"
        for stored in _stored(journal, task_id):
            of_it = stored.submission == submission and stored.at > at
            if of_it and decode_result(stored.body).status is ExecutionStatus.SUCCESS:
                yield f"{task_id} succeeded after it was cancelled"


def _stored(journal: Journal, task_id: str) -> list[StoredOnce]:
    return [each for each in journal.stored if each.task_id == task_id]
