"""Several ways to get a service, tried in order; the first that works is taken."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Generic, TypeVar

from tests.services.errors import NoWayWorked, StartFailed, Unavailable

Service = TypeVar("Service")


@dataclass(frozen=True)
class Way(Generic[Service]):
    """One way to get a service: entering `open()` raises Unavailable if it does not work here."""

    name: str
    open: Callable[[], AbstractContextManager[Service]]
    changes_the_machine: bool = False


@dataclass(frozen=True)
class Provided(Generic[Service]):
    way: str
    service: Service


def enter_first_that_works(
    wanted: str, ways: Sequence[Way[Service]], stack: ExitStack
) -> Provided[Service]:
    """Enter one way on `stack`, which ends the service when it is closed.

    Raises NoWayWorked with the reason of each way. An error other than Unavailable is not a
    reason to try the next way and comes through. A way that changes the machine is for services
    that are missing; where one is there and does not start, the cause is elsewhere.
    """
    reasons: list[str] = []
    start_failed = False
    for way in ways:
        if way.changes_the_machine and start_failed:
            reasons.append(f"  {way.name}: not tried, because {wanted} is there and fails to start")
            continue
        try:
            return Provided(way.name, stack.enter_context(way.open()))
        except Unavailable as reason:
            start_failed = start_failed or isinstance(reason, StartFailed)
            reasons.append(f"  {way.name}: {reason}")
    message = "\n".join([f"no way to provide {wanted} worked:", *reasons])
    raise NoWayWorked(message, start_failed=start_failed)
