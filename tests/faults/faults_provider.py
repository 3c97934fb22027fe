"""The provider at its worst."""

from __future__ import annotations

from typing import Final

from llmbus.worker.provider_simulator import Behaviour, Body, Connection, Finish, OnlyFor
from tests.faults.fault import Fault
from tests.faults.faults_message import raw_body, send_raw
from tests.faults.watched_provider import mark
from tests.faults.world import World

__all__ = ["PROVIDER_FAULTS"]

_SILENCE_SECONDS: Final = 2.0
_TIME_LIMIT_SECONDS: Final = 1.5

_BEHAVIOURS: Final[dict[str, tuple[str, Behaviour]]] = {
    "rate-limited": ("429 twice", Behaviour(status=429, times=2)),
    "rate-limited-with-advice": (
        "429 with retry-after",
        Behaviour(status=429, retry_after=0.1),
    ),
    "overloaded": ("529 twice", Behaviour(status=529, times=2)),
    "unavailable": ("503 until no attempt is left", Behaviour(status=503, times=5)),
    "server-error": ("500 after the request was processed", Behaviour(status=500)),
    "unanswered": (
        "the connection closes after the request was sent",
        Behaviour(connection=Connection.CLOSED),
    ),
    "reset": (
        "the connection is reset after the request was sent",
        Behaviour(connection=Connection.RESET),
    ),
    "truncated": ("half an answer, then the connection closes", Behaviour(body=Body.TRUNCATED)),
    "invalid-json": ("an answer that is no JSON", Behaviour(body=Body.INVALID)),
    "empty": ("an answer without a body", Behaviour(body=Body.EMPTY)),
    "wrong-shape": ("JSON of something else", Behaviour(body=Body.WRONG_SHAPE)),
    "refusal": ("the model declines", Behaviour(finish=Finish.REFUSAL)),
    "unauthorised": ("401", Behaviour(status=401)),
    "key-revoked": ("401 to whatever is asked", Behaviour(status=401, times=100)),
    "silent": (
        "nothing for two seconds, then the answer",
        Behaviour(latency_seconds=_SILENCE_SECONDS),
    ),
}


def _fault(name: str) -> Fault:
    words, behaviour = _BEHAVIOURS[name]

    async def prepare(world: World) -> None:
        world.provider.script(behaviour)

    return Fault(f"provider-{name}", words, prepare=prepare)


async def _never_answer(world: World) -> None:
    task_id = "raw-never-answered"
    only = OnlyFor(containing=mark(task_id))
    world.provider.script(Behaviour(connection=Connection.HUNG, only_for=only))
    body = raw_body(task_id, timeout_seconds=_TIME_LIMIT_SECONDS)
    await send_raw(world, task_id, "never-answered", [body])


PROVIDER_FAULTS: Final = (
    *map(_fault, _BEHAVIOURS),
    Fault(
        "provider-never-answering",
        "a call is never answered, and cut by the time limit of its task",
        prepare=_never_answer,
    ),
)
