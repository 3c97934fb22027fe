"""RabbitMQ's management API, as far as it knows more about queues than AMQP does."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Self
from urllib.parse import quote, unquote, urlsplit

import httpx2
import msgspec
from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from llmbus.shared.bus.rabbitmq.address import Address
from llmbus.shared.settings import BusSettings

__all__ = ["ListedQueue", "ManagementApi", "ManagementSettings", "ManagementUnavailableError"]

_COLUMNS = "name,messages_ready,messages_unacknowledged,consumers,head_message_timestamp"
_TIMEOUT_SECONDS = 3.0
_PORT_DISTANCE = 10_000  # 15672 beside 5672, 15671 beside 5671
_LAST_PORT = 65_535
_REASONS = {401: "refuses this user", 403: "refuses this user", 404: "knows no such vhost"}


class ManagementSettings(BaseSettings):
    """Where the management API is, if not where RabbitMQ puts it."""

    model_config = SettingsConfigDict(
        env_prefix="LLMBUS_", frozen=True, extra="ignore", env_ignore_empty=True
    )

    rabbitmq_api_url: SecretStr | None = None
    """LLMBUS_RABBITMQ_API_URL: http[s]://[user:password@]host:port. Without it: the broker's host
    at the AMQP port plus 10000 (https beside amqps). Without a user in it: that of the broker."""

    @field_validator("rabbitmq_api_url")
    @classmethod
    def _is_a_web_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        parts = urlsplit(value.get_secret_value())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be http[s]://[user:password@]host:port")
        return value


class ManagementUnavailableError(Exception):
    """The API cannot be asked. The text says why, in words that follow "the management API"."""


class ListedQueue(msgspec.Struct, frozen=True):
    """A queue as the API lists it: statistics up to 5 s old, absent for a queue just made."""

    name: str
    messages_ready: int | None = None
    messages_unacknowledged: int | None = None
    consumers: int | None = None
    head_message_timestamp: int | str | None = None
    """Seconds since 1970. RabbitMQ tells it for classic queues, of the head of the highest
    priority that has any message, waiting or unacknowledged. Otherwise empty or absent."""


@dataclass(frozen=True)
class ManagementApi:
    """One vhost of a broker, seen through its management API."""

    base_url: str
    user: str
    password: SecretStr
    vhost: str

    @classmethod
    def of(cls, bus: BusSettings, management: ManagementSettings) -> Self:
        """`ConfigurationError` if the AMQP address cannot be understood;
        `ManagementUnavailableError` if there is no port at that distance from the broker's."""
        vhost = Address.from_url(bus.amqp_url).vhost
        broker = urlsplit(bus.amqp_url.get_secret_value())
        given = management.rabbitmq_api_url
        url = given.get_secret_value() if given else _beside(broker.scheme, broker.netloc)
        api = urlsplit(url)
        login = api if api.username else broker
        return cls(
            base_url=f"{api.scheme}://{api.netloc.rpartition('@')[2]}{api.path}".rstrip("/"),
            user=unquote(login.username or "guest"),
            password=SecretStr(unquote(login.password or "guest")),
            vhost=vhost,
        )

    async def queues(self) -> list[ListedQueue]:
        """All queues of the vhost. `ManagementUnavailableError` after a few seconds at most."""
        try:
            # A transport of our own, because the default one sends us through HTTP_PROXY, which
            # AMQP beside it does not use either.
            async with httpx2.AsyncClient(
                transport=httpx2.AsyncHTTPTransport(),
                auth=(self.user, self.password.get_secret_value()),
                timeout=_TIMEOUT_SECONDS,
            ) as http:
                response = await http.get(
                    f"{self.base_url}/api/queues/{quote(self.vhost, safe='')}",
                    params={"columns": _COLUMNS},
                )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise self._unavailable("does not answer") from error
        if response.status_code != HTTPStatus.OK:
            reason = _REASONS.get(response.status_code, f"answers {response.status_code}")
            raise self._unavailable(reason)
        try:
            return msgspec.json.decode(response.content, type=list[ListedQueue])
        except msgspec.MsgspecError as error:
            raise self._unavailable("does not list queues") from error

    def _unavailable(self, reason: str) -> ManagementUnavailableError:
        return ManagementUnavailableError(f"at {self.base_url} {reason}")


def _beside(scheme: str, netloc: str) -> str:
    secure = scheme == "amqps"
    port = urlsplit(f"//{netloc}").port
    host = netloc.rpartition("@")[2].removesuffix(f":{port}")
    api_port = (port or (5671 if secure else 5672)) + _PORT_DISTANCE
    if api_port > _LAST_PORT:
        raise ManagementUnavailableError(
            f"cannot be beside the broker: there is no port {api_port}"
        )
    return f"{'https' if secure else 'http'}://{host}:{api_port}"
