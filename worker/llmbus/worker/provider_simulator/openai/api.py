"""What both of OpenAI's APIs have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from llmbus.worker.provider_simulator.api_error import ApiError
from llmbus.worker.provider_simulator.behaviour import Vendor
from llmbus.worker.provider_simulator.dialect import Call, bearer
from llmbus.worker.provider_simulator.openai.errors import error_body, too_long, wrong_key
from llmbus.worker.provider_simulator.question import OfferedTool

__all__ = ["OpenAiApi", "wanted_first"]


class OpenAiApi:
    """Keys and errors, alike in both."""

    vendor = Vendor.OPENAI
    request_id_header = "x-request-id"
    sends_retry_after = True
    prompt_field: ClassVar[str]
    """Where the prompt stands in a request."""

    def key(self, call: Call) -> str:
        """See `Dialect.key`."""
        return bearer(call)

    def wrong_key(self, key: str) -> ApiError:
        """See `Dialect.wrong_key`."""
        return wrong_key(key)

    def too_long(self, tokens: int, most: int) -> ApiError:
        """See `Dialect.too_long`."""
        return too_long(tokens, most, self.prompt_field)

    def error_body(self, error: ApiError) -> Any:
        """See `Dialect.error_body`."""
        return error_body(error)


def wanted_first(offered: list[OfferedTool], name: str | None) -> list[OfferedTool]:
    """The tool of this name before the others, if the request wants one."""
    return sorted(offered, key=lambda tool: name is not None and tool.name != name)
