"""The broker's address, in the form that is dialled and in the form that may be shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from llmbus.shared.errors import ConfigurationError, redact_url

__all__ = ["Address"]


@dataclass(frozen=True)
class Address:
    """Where the broker is. `str()` of it holds no user name, password or query."""

    secret: SecretStr = field(repr=False)
    shown: str
    user: str
    vhost: str

    def __str__(self) -> str:
        return self.shown

    @classmethod
    def from_url(cls, secret: SecretStr) -> Self:
        """`ConfigurationError` where special characters in the password were left unescaped.

        Such an address splits in the wrong places, and its "path" may be a part of the password.
        """
        url = secret.get_secret_value()
        parts = urlsplit(url)
        try:
            well_formed = parts.hostname and (parts.port or parts.port is None)
        except ValueError:
            well_formed = False
        if not well_formed or "@" in parts.path + parts.query + parts.fragment:
            raise ConfigurationError(
                "LLMBUS_AMQP_URL is not amqp[s]://user:password@host:port/vhost;"
                " special characters in user name, password and vhost must be percent-encoded"
            )
        return cls(
            secret=secret,
            shown=redact_url(url),
            user=unquote(parts.username or "guest"),
            vhost=unquote(parts.path[1:]) or "/",
        )
