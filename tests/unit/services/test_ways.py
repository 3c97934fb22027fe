"""The first way that works is taken, and only ways that cannot work here are passed over."""

from collections.abc import Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace

import pytest

from tests.services.errors import GivenUrlError, NoWayWorked, StartFailed, Unavailable
from tests.services.ways import Way, enter_first_that_works

ended: list[str] = []


def working(name: str) -> Way[str]:
    @contextmanager
    def service() -> Generator[str]:
        yield f"service of {name}"
        ended.append(name)

    return Way(name, service)


def failing(name: str, error: Exception) -> Way[str]:
    def service() -> AbstractContextManager[str]:
        raise error

    return Way(name, service)


def test_the_first_way_that_works_is_taken_and_ended_with_the_stack() -> None:
    ended.clear()
    ways = [failing("a", Unavailable("not here")), working("b"), working("c")]

    with ExitStack() as stack:
        provided = enter_first_that_works("X", ways, stack)
        assert (provided.way, provided.service) == ("b", "service of b")
        assert ended == []

    assert ended == ["b"]


def test_a_service_that_does_not_start_is_passed_over_too() -> None:
    with ExitStack() as stack:
        ways = [failing("a", StartFailed("no memory")), working("b")]
        assert enter_first_that_works("X", ways, stack).way == "b"


def test_the_machine_is_not_changed_for_a_service_that_is_there_and_does_not_start() -> None:
    installing = replace(working("installing"), changes_the_machine=True)
    ways = [failing("a", StartFailed("a mistake in its settings")), installing]

    with ExitStack() as stack, pytest.raises(NoWayWorked, match="installing: not tried"):
        enter_first_that_works("X", ways, stack)


def test_the_machine_may_be_changed_for_a_service_that_is_missing() -> None:
    installing = replace(working("installing"), changes_the_machine=True)

    with ExitStack() as stack:
        provided = enter_first_that_works(
            "X", [failing("a", Unavailable("none")), installing], stack
        )
        assert provided.way == "installing"


def test_a_dead_given_url_is_final() -> None:
    ways = [failing("a", GivenUrlError("refused")), working("b")]

    with ExitStack() as stack, pytest.raises(GivenUrlError):
        enter_first_that_works("X", ways, stack)


def test_the_error_tells_each_way_s_reason() -> None:
    ways = [failing("a", Unavailable("no engine")), failing("b", Unavailable("not root"))]

    with ExitStack() as stack, pytest.raises(NoWayWorked) as raised:
        enter_first_that_works("X", ways, stack)

    assert "a: no engine" in str(raised.value)
    assert "b: not root" in str(raised.value)
