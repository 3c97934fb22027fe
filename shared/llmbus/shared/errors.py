"""Every error a caller of llmbus can see, sorted by what the caller should do.

LlmbusError
├── InvalidInputError (ValueError)      fix what you passed; nothing was sent
│   ├── InvalidTaskError                a field of the task is missing or wrong
│   ├── UnsupportedSchemaError          written by a newer llmbus: upgrade the reader
│   ├── BodyTooLargeError               over 8 MiB: pass a reference instead
│   ├── UnknownAgentError               no agent of that name is registered
│   ├── DependencyError                 what a task depends on is unknown, circular or not done
│   └── DeadlineExpiredError            the deadline lies in the past
├── ConfigurationError                  fix a setting, then start again
│   ├── BrokerLoginError                wrong user or password
│   ├── BrokerVhostError                no such vhost, or no right to use it
│   ├── TopologyMismatchError           a queue exists with arguments we cannot live with
│   └── StoreLoginError                 Redis refused the password
├── UnavailableError                    wait, then try again
│   ├── BrokerUnreachableError          no broker answers at that address
│   ├── PublishRefusedError             the broker said no (queue full): back off
│   └── StoreUnreachableError           no Redis answers at that address
├── UnroutableError                     no queue is bound for that route; nothing was kept
├── PublishUnknownError                 no answer in time: the message may or may not be queued
├── DeliveryLostError                   the delivery's channel is gone; the broker redelivers it
└── ClosedError                         used after close

No error text holds a password or a key: addresses go through `redact_url`.
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

__all__ = [
    "BodyTooLargeError",
    "BrokerLoginError",
    "BrokerUnreachableError",
    "BrokerVhostError",
    "ClosedError",
    "ConfigurationError",
    "DeadlineExpiredError",
    "DeliveryLostError",
    "DependencyError",
    "InvalidInputError",
    "InvalidTaskError",
    "LlmbusError",
    "PublishRefusedError",
    "PublishUnknownError",
    "StoreLoginError",
    "StoreUnreachableError",
    "TopologyMismatchError",
    "UnavailableError",
    "UnknownAgentError",
    "UnroutableError",
    "UnsupportedSchemaError",
    "redact_url",
]


class LlmbusError(Exception):
    """The root: `except LlmbusError` catches whatever llmbus raises on purpose."""


class InvalidInputError(LlmbusError, ValueError):
    """What was passed cannot be used. Nothing was sent."""


class InvalidTaskError(InvalidInputError):
    """A field of a task (or of a result) is missing or wrong; the text names the field."""


class UnsupportedSchemaError(InvalidInputError):
    """The body was written under a schema version that this release does not know."""


class BodyTooLargeError(InvalidInputError):
    """The encoded body is over the limit; pass large material by reference."""


class UnknownAgentError(InvalidInputError):
    """No agent of that name is registered; the text lists the known ones."""


class DependencyError(InvalidInputError):
    """A task depends on an unknown task, on itself by way of others, or on one that has not been
    completed; the text names them."""


class DeadlineExpiredError(InvalidInputError):
    """The task's deadline had passed before it was submitted."""


class ConfigurationError(LlmbusError):
    """A setting is wrong; the text names the setting. Trying again will not help."""


class BrokerLoginError(ConfigurationError):
    """The broker refused the user name or the password."""


class BrokerVhostError(ConfigurationError):
    """The virtual host does not exist, or the user may not use it."""


class TopologyMismatchError(ConfigurationError):
    """A queue or exchange exists with arguments under which llmbus cannot keep its promises."""


class StoreLoginError(ConfigurationError):
    """Redis refused the password."""


class UnavailableError(LlmbusError):
    """Something we need does not answer now. Trying again later is right."""


class BrokerUnreachableError(UnavailableError):
    """No broker answered in the time allowed."""


class PublishRefusedError(UnavailableError):
    """The broker refused the message (queue full): the caller should slow down."""


class StoreUnreachableError(UnavailableError):
    """No Redis answered in the time allowed."""


class UnroutableError(LlmbusError):
    """No queue is bound for this exchange and routing key. The broker kept nothing."""


class PublishUnknownError(LlmbusError):
    """No confirmation in time: the message may or may not be queued.

    Nothing is lost by publishing it again: receivers tell duplicates by their task id.
    """


class DeliveryLostError(LlmbusError):
    """The channel this delivery came on is gone: the broker hands the message over again."""


class ClosedError(LlmbusError):
    """The object was closed, or never opened (use `async with`)."""


def redact_url(url: str) -> str:
    """The address without user name, password and query, fit for any log or error text."""
    parts = urlsplit(url)
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ":<not a port>"
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    return urlunsplit((parts.scheme, f"{host}{port}", parts.path, "", ""))
