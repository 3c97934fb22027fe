"""Services that a person started and named by URL."""

import os
from collections.abc import Generator
from contextlib import contextmanager

from tests.services.endpoints import (
    AMQP_URL_VARIABLE,
    API_URL_VARIABLE,
    REDIS_URL_VARIABLE,
    RabbitMQEndpoint,
    RedisEndpoint,
)
from tests.services.errors import GivenUrlError, Unavailable
from tests.services.probes import rabbitmq_problem, redis_problem


@contextmanager
def given_rabbitmq() -> Generator[RabbitMQEndpoint]:
    """Raises Unavailable if no URL is set, GivenUrlError if one is missing or does not answer."""
    amqp_url, api_url = os.environ.get(AMQP_URL_VARIABLE), os.environ.get(API_URL_VARIABLE)
    if not amqp_url and not api_url:
        raise Unavailable(f"{AMQP_URL_VARIABLE} is not set")
    if not amqp_url or not api_url:
        raise GivenUrlError(f"{AMQP_URL_VARIABLE} and {API_URL_VARIABLE} must be set together")
    endpoint = RabbitMQEndpoint(amqp_url, api_url)
    if reason := rabbitmq_problem(endpoint):
        raise GivenUrlError(f"{AMQP_URL_VARIABLE} / {API_URL_VARIABLE}: {reason}")
    yield endpoint


@contextmanager
def given_redis() -> Generator[RedisEndpoint]:
    """Raises Unavailable if no URL is set, GivenUrlError if it does not answer."""
    url = os.environ.get(REDIS_URL_VARIABLE)
    if not url:
        raise Unavailable(f"{REDIS_URL_VARIABLE} is not set")
    endpoint = RedisEndpoint(url)
    if reason := redis_problem(endpoint):
        raise GivenUrlError(f"{REDIS_URL_VARIABLE}: {reason}")
    yield endpoint
