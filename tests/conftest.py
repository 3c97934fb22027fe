"""Fixtures for the whole suite. Under pytest-xdist no test meets what another one made."""

import asyncio
import inspect
import os
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from pydantic import SecretStr

from llmbus.shared.settings import BusSettings
from tests.services.endpoints import (
    AMQP_URL_VARIABLE,
    API_URL_VARIABLE,
    REDIS_URL_VARIABLE,
)
from tests.support.loop_errors import LoopErrors
from tests.support.rabbit_api import RabbitApi, Vhost
from tests.support.redis_keys import delete_keys
from tests.support.services import service_url

TASKS_END_WITHIN_SECONDS = 1.0

# The gate must not depend on chance or on how busy the machine is: the first example in a fresh
# checkout takes seconds, because Hypothesis builds its tables of characters then.
settings.register_profile(
    "gate", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))


@pytest.fixture
def amqp_url() -> str:
    """The broker of this run, at its default vhost: prefer `bus_settings`."""
    return service_url(AMQP_URL_VARIABLE)


@pytest.fixture
async def rabbit_api() -> AsyncIterator[RabbitApi]:
    async with RabbitApi(service_url(API_URL_VARIABLE)) as api:
        yield api


@pytest.fixture
async def vhost(rabbit_api: RabbitApi) -> AsyncIterator[Vhost]:
    """An empty vhost of this test alone."""
    vhost = await rabbit_api.create_vhost()
    yield vhost
    await rabbit_api.delete_vhost(vhost)


@pytest.fixture
def bus_settings(vhost: Vhost, amqp_url: str) -> BusSettings:
    """RabbitMQ on this test's vhost, with retries after tens of milliseconds."""
    return BusSettings(
        amqp_url=SecretStr(vhost.url(amqp_url)),
        connect_timeout_seconds=10.0,
        publish_timeout_seconds=5.0,
        retry_delays_seconds=(0.05, 0.1, 0.2),
    )


@pytest.fixture
def key_prefix() -> str:
    """First part of every key that this test writes into Redis."""
    return f"test-{uuid4().hex}"


@pytest.fixture
def redis_url(key_prefix: str) -> Iterator[str]:
    """The Redis of this run. What the test leaves under `key_prefix` is deleted after it."""
    url = service_url(REDIS_URL_VARIABLE)
    yield url
    delete_keys(url, key_prefix)


@pytest.fixture(autouse=True)
def no_setting_comes_from_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in os.environ:
        if variable.startswith("LLMBUS_"):
            monkeypatch.delenv(variable)


@pytest.fixture(autouse=True)
def the_event_loop_ends_clean(request: pytest.FixtureRequest) -> None:
    """No task outlives an asynchronous test and no error is only logged; others pay nothing."""
    if inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        request.getfixturevalue("_watched_event_loop")


@pytest.fixture
async def _watched_event_loop() -> AsyncIterator[None]:
    errors = LoopErrors(asyncio.get_running_loop())
    yield
    if left_over := asyncio.all_tasks() - {asyncio.current_task()}:
        # what was cancelled or told to stop may need a few turns of the loop
        _, left_over = await asyncio.wait(left_over, timeout=TASKS_END_WITHIN_SECONDS)
    if left_over:
        first = ", ".join(sorted(map(repr, left_over))[:5])
        pytest.fail(f"{len(left_over)} asyncio tasks outlived the test: {first}")
    errors.fail_on_any()
