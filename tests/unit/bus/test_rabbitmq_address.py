"""Addresses: what is dialled, what is shown, and what is refused."""

import pytest
from pydantic import SecretStr

from llmbus.shared.bus.rabbitmq import RabbitmqBus
from llmbus.shared.bus.rabbitmq.address import Address
from llmbus.shared.errors import ConfigurationError
from llmbus.shared.settings import BusSettings


@pytest.mark.parametrize(
    ("url", "shown", "user", "vhost"),
    [
        ("amqp://me:pw@rabbit:5672/", "amqp://rabbit:5672/", "me", "/"),
        ("amqp://me:pw@rabbit", "amqp://rabbit", "me", "/"),
        ("amqp://rabbit/team", "amqp://rabbit/team", "guest", "team"),
        ("amqps://m%40x:p%2Fw%40@rabbit/a%2Fb?cafile=ca", "amqps://rabbit/a%2Fb", "m@x", "a/b"),
        ("amqp://me:pw@[::1]:5672/%2F", "amqp://[::1]:5672/%2F", "me", "/"),
    ],
)
def test_an_address_is_shown_without_secrets(url: str, shown: str, user: str, vhost: str) -> None:
    address = Address.from_url(SecretStr(url))
    assert (str(address), address.user, address.vhost) == (shown, user, vhost)
    assert "pw" not in repr(address)


@pytest.mark.parametrize(
    "url",
    [
        "amqp://guest:sec/ret@rabbit/",
        "amqp://guest:12/secret@rabbit/",
        "amqp://guest:12#secret@rabbit/",
        "amqp://guest:12?secret@rabbit/",
        "amqp:///secret",
    ],
)
def test_an_address_with_an_unescaped_password_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="LLMBUS_AMQP_URL") as caught:
        RabbitmqBus(BusSettings(amqp_url=SecretStr(url)))
    assert "ret" not in str(caught.value)
    assert caught.value.__cause__ is None
