"""An error as a service answers it, before it takes a vendor's shape."""

from __future__ import annotations

from typing import NoReturn

__all__ = ["ApiError", "refuse"]


class ApiError(Exception):
    """Raised where a request breaks a rule of the service, or made where an error is simulated."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str | None = None,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type
        """None for the vendor's usual word for this status."""
        self.code = code
        self.param = param
        self.retry_after = retry_after


def refuse(message: str, *, param: str | None = None, code: str | None = None) -> NoReturn:
    """The service would answer 400."""
    raise ApiError(400, message, param=param, code=code)
