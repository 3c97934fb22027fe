"""No error text gives a password away."""

import pytest

from llmbus.shared.errors import redact_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("amqp://user:sekret@host:5672/vhost", "amqp://host:5672/vhost"),
        ("amqps://user:sek%40ret@host/v", "amqps://host/v"),
        ("redis://:sekret@127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("amqp://user:sekret@[::1]:5672/", "amqp://[::1]:5672/"),
        ("amqp://host/?password=sekret", "amqp://host/"),
        ("amqp://user:sekret@host:port/", "amqp://host:<not a port>/"),
    ],
)
def test_address_is_shown_without_its_login(url: str, shown: str) -> None:
    assert redact_url(url) == shown
