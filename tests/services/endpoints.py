"""Where the provided services answer, and under which environment variables that is told."""

from dataclasses import dataclass

AMQP_URL_VARIABLE = "TEST_AMQP_URL"
API_URL_VARIABLE = "TEST_RABBITMQ_API_URL"
REDIS_URL_VARIABLE = "TEST_REDIS_URL"


@dataclass(frozen=True)
class RabbitMQEndpoint:
    """A RabbitMQ that answers: AMQP and the management API, with the same user."""

    amqp_url: str
    api_url: str

    def environment(self) -> dict[str, str]:
        return {AMQP_URL_VARIABLE: self.amqp_url, API_URL_VARIABLE: self.api_url}


@dataclass(frozen=True)
class RedisEndpoint:
    """A Redis that answers."""

    url: str

    def environment(self) -> dict[str, str]:
        return {REDIS_URL_VARIABLE: self.url}


@dataclass(frozen=True)
class Credentials:
    user: str
    password: str
