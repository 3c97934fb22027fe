"""URLs that a person set are used or refused, never replaced."""

import pytest

from tests.services.errors import GivenUrlError, Unavailable
from tests.services.given import given_rabbitmq, given_redis
from tests.services.ports import free_ports


def test_a_redis_url_that_nobody_answers_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_REDIS_URL", f"redis://127.0.0.1:{free_ports(1)[0]}/0")

    with pytest.raises(GivenUrlError, match="TEST_REDIS_URL"), given_redis():
        pass


def test_rabbitmq_urls_that_nobody_answers_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    amqp, api = free_ports(2)
    monkeypatch.setenv("TEST_AMQP_URL", f"amqp://127.0.0.1:{amqp}/")
    monkeypatch.setenv("TEST_RABBITMQ_API_URL", f"http://127.0.0.1:{api}")

    with pytest.raises(GivenUrlError, match="Connection refused"), given_rabbitmq():
        pass


def test_half_of_the_rabbitmq_urls_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_AMQP_URL", "amqp://127.0.0.1/")
    monkeypatch.delenv("TEST_RABBITMQ_API_URL", raising=False)

    with pytest.raises(GivenUrlError, match="set together"), given_rabbitmq():
        pass


def test_no_url_leaves_it_to_the_other_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_REDIS_URL", raising=False)

    with pytest.raises(Unavailable), given_redis():
        pass
