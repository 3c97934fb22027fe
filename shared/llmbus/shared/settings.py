"""What every process must know to reach broker and store, read from `LLMBUS_…` variables."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from llmbus.shared.errors import ConfigurationError
from llmbus.shared.ladder import DEFAULT_LADDER, RetryLadder
from llmbus.shared.topology import Layout, checked_name

__all__ = ["BusSettings", "QueueType", "StoreSettings", "configuration_error", "read_settings"]

SomeSettings = TypeVar("SomeSettings", bound=BaseSettings)


class QueueType(StrEnum):
    """What kind of queue carries the tasks (docs/decisions/0002)."""

    CLASSIC = "classic"
    """Strict priority on every broker version; the default."""
    QUORUM = "quorum"
    """Replicated; keeps strict priority from RabbitMQ 4.3 on."""
    AUTO = "auto"
    """Quorum from RabbitMQ 4.3 on, classic before; what exists already is kept."""


class BusSettings(BaseSettings):
    """How to reach RabbitMQ and how the queues are laid out."""

    model_config = SettingsConfigDict(
        env_prefix="LLMBUS_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    amqp_url: SecretStr = SecretStr("amqp://guest:guest@127.0.0.1:5672/")
    """LLMBUS_AMQP_URL: amqp[s]://user:password@host:port/vhost"""
    queue_type: QueueType = QueueType.CLASSIC
    prefix: str = "llmbus"
    """LLMBUS_PREFIX: first part of every exchange's and queue's name."""
    amqp_heartbeat_seconds: int = Field(default=20, ge=1)
    """A frozen broker is noticed after about three heartbeats."""
    connect_timeout_seconds: float = Field(default=30.0, gt=0)
    """How long the first connection is tried before giving up."""
    publish_timeout_seconds: float = Field(default=10.0, gt=0)
    """How long one publish is repeated until the broker confirms it."""
    longest_task_seconds: float = Field(default=24 * 3600.0, gt=0)
    """How long a delivery may stay unsettled, where the broker lets a queue set that."""
    consumer_timeout_seconds: float = Field(default=1800.0, gt=0)
    """What `consumer_timeout` is in rabbitmq.conf; before RabbitMQ 3.12 no queue can change it, and
    nobody else tells us."""
    retry_delays_seconds: Annotated[tuple[float, ...], NoDecode] = tuple(
        step.total_seconds() for step in DEFAULT_LADDER.steps
    )
    """LLMBUS_RETRY_DELAYS_SECONDS: the ladder, shortest first, separated by commas. Workers that
    share queues must agree on it."""

    @field_validator("prefix")
    @classmethod
    def _prefix_is_a_name(cls, value: str) -> str:
        return checked_name(value, "prefix")

    @field_validator("amqp_url")
    @classmethod
    def _is_an_amqp_url(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("amqp://", "amqps://")):
            raise ValueError("must begin with amqp:// or amqps://")
        return value

    @field_validator("retry_delays_seconds", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("retry_delays_seconds")
    @classmethod
    def _is_a_ladder(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        _ladder(value)
        return value

    @property
    def layout(self) -> Layout:
        """The names of this deployment."""
        return Layout(self.prefix, _ladder(self.retry_delays_seconds))


class StoreSettings(BaseSettings):
    """How to reach Redis."""

    model_config = SettingsConfigDict(
        env_prefix="LLMBUS_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    redis_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    """LLMBUS_REDIS_URL: redis[s]://:password@host:port/db"""
    prefix: str = "llmbus"
    """LLMBUS_PREFIX: first part of every key's name."""

    @field_validator("prefix")
    @classmethod
    def _prefix_is_a_name(cls, value: str) -> str:
        return checked_name(value, "prefix")

    @field_validator("redis_url")
    @classmethod
    def _is_a_redis_url(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return value


def read_settings(kind: type[SomeSettings], **overrides: Any) -> SomeSettings:
    """The settings from the environment; `ConfigurationError` names each wrong variable. An
    override that is None is left to the environment."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return kind(**given)
    except ValidationError as error:
        raise configuration_error(error) from None


def configuration_error(error: ValidationError) -> ConfigurationError:
    """One line that names each variable to change. The values stay out: one may be a secret."""
    problems = "; ".join(
        f"LLMBUS_{'_'.join(str(part) for part in problem['loc'][:1]).upper()}: {_reason(problem)}"
        for problem in error.errors(include_input=False, include_url=False)
    )
    return ConfigurationError(f"wrong setting: {problems}")


def _reason(problem: Any) -> str:
    return str(problem["msg"]).removeprefix("Value error, ")


def _ladder(seconds: tuple[float, ...]) -> RetryLadder:
    return RetryLadder(tuple(timedelta(seconds=step) for step in seconds))
