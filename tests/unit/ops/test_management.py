"""Where the management API is looked for."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from llmbus.ops.management import ManagementApi, ManagementSettings, ManagementUnavailableError
from llmbus.shared.errors import ConfigurationError
from llmbus.shared.settings import BusSettings, read_settings


def api(amqp_url: str, api_url: str | None = None) -> ManagementApi:
    given = SecretStr(api_url) if api_url else None
    return ManagementApi.of(
        BusSettings(amqp_url=SecretStr(amqp_url)), ManagementSettings(rabbitmq_api_url=given)
    )


@pytest.mark.parametrize(
    ("amqp_url", "base_url"),
    [
        ("amqp://broker/", "http://broker:15672"),
        ("amqp://broker:5672/", "http://broker:15672"),
        ("amqp://broker:5699/", "http://broker:15699"),
        ("amqps://broker/", "https://broker:15671"),
        ("amqp://[::1]/", "http://[::1]:15672"),
    ],
)
def test_it_is_looked_for_beside_the_broker(amqp_url: str, base_url: str) -> None:
    """At the same distance from another port: 15672 there may be another broker's."""
    assert api(amqp_url).base_url == base_url


def test_a_broker_whose_port_leaves_no_room_beside_it_has_none() -> None:
    with pytest.raises(ManagementUnavailableError, match="there is no port 65536"):
        api("amqp://broker:55536/")
    assert api("amqp://broker:55535/").base_url == "http://broker:65535"
    assert api("amqp://broker:55536/", "http://api:8080").base_url == "http://api:8080"


def test_the_login_and_the_vhost_are_those_of_the_broker() -> None:
    found = api("amqp://us%40er:p%2Fw@broker/a%2Fb", "https://api.example/rabbit/")
    assert found.base_url == "https://api.example/rabbit"
    assert (found.user, found.password.get_secret_value()) == ("us@er", "p/w")
    assert found.vhost == "a/b"


def test_the_api_may_have_a_login_of_its_own() -> None:
    found = api("amqp://user:password@broker/", "http://admin:secret@api:8080")
    assert found.base_url == "http://api:8080"
    assert (found.user, found.password.get_secret_value()) == ("admin", "secret")
    assert "secret" not in repr(found)


def test_guest_is_the_login_where_none_is_given() -> None:
    found = api("amqp://broker/")
    assert (found.user, found.password.get_secret_value(), found.vhost) == ("guest", "guest", "/")


@pytest.mark.parametrize("url", ["api:8080", "ftp://api", "http://"])
def test_an_address_that_makes_no_sense_is_a_wrong_setting(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("LLMBUS_RABBITMQ_API_URL", url)
    with pytest.raises(ConfigurationError, match="LLMBUS_RABBITMQ_API_URL"):
        read_settings(ManagementSettings)
