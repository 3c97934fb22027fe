"""One client per event loop, key and address."""

import asyncio
import gc
import weakref
from contextlib import closing

from llmbus.worker.llm_abstractions.clients import close_client, close_clients, shared_client


class Client:
    closed = False

    async def close(self) -> None:
        self.closed = True


async def test_same_identity_shares_a_client_and_another_one_does_not() -> None:
    first = shared_client("a", Client)
    assert shared_client("a", Client) is first
    assert shared_client("b", Client) is not first
    await close_clients()


async def test_closed_client_is_replaced_at_the_next_call() -> None:
    first, other = shared_client("a", Client), shared_client("b", Client)
    await close_client("a")
    assert (first.closed, other.closed) == (True, False)
    assert shared_client("a", Client) is not first
    await close_clients()
    assert other.closed


async def test_closing_what_was_never_opened_is_harmless() -> None:
    await close_client("a")
    await close_clients()


def test_each_event_loop_has_its_own_client_and_closes_only_that() -> None:
    with closing(asyncio.new_event_loop()) as one, closing(asyncio.new_event_loop()) as another:
        first = one.run_until_complete(a_shared_client())
        second = another.run_until_complete(a_shared_client())
        assert first is not second
        one.run_until_complete(close_clients())
        assert (first.closed, second.closed) == (True, False)
        another.run_until_complete(close_clients())


def test_client_of_a_loop_that_is_gone_is_let_go() -> None:
    with closing(asyncio.new_event_loop()) as gone:
        lost = weakref.ref(gone.run_until_complete(a_shared_client()))
    with closing(asyncio.new_event_loop()) as loop:
        loop.run_until_complete(a_shared_client())
        loop.run_until_complete(close_clients())
    gc.collect()
    assert lost() is None


async def a_shared_client() -> Client:
    return shared_client("a", Client)
