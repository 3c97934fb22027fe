"""What asking a vendor through its SDK has in common, whichever vendor it is."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import AsyncGenerator, Hashable
from typing import ClassVar, Final, Generic, TypeVar

from llmbus.shared import AgentType
from llmbus.worker.llm_abstractions.base_llm import BaseLlm, LlmReply, LlmRequest, TextDelta
from llmbus.worker.llm_abstractions.clients import SdkClient, close_client, shared_client
from llmbus.worker.llm_abstractions.errors import AccountError
from llmbus.worker.llm_abstractions.profiles.rules import ModelRules, configured_rules
from llmbus.worker.llm_abstractions.time_limits import stream_within_time_limit

__all__ = ["SdkLlm"]

_Client = TypeVar("_Client", bound=SdkClient)


class SdkLlm(BaseLlm, Generic[_Client]):
    """A model that is asked under the rules of its profile, by a client that is shared."""

    agent_type: ClassVar[AgentType]
    address_variable: ClassVar[str | None]
    """The environment variable that counts where no `api_endpoint` is given; None if there is
    none."""

    def __init__(
        self,
        model: str | None = None,
        *,
        api_key: str,
        api_endpoint: str | None = None,
        rules: ModelRules | None = None,
    ) -> None:
        """Raises `AccountError` for a key that cannot be sent: the SDK would only notice at the
        first call."""
        self._rules: Final = rules or configured_rules()
        self._chosen: Final = self._rules.choose(self.agent_type, model)
        super().__init__(self._chosen.name)
        self._check_key(api_key)
        self._api_key: Final = api_key
        self._api_endpoint: Final = api_endpoint or None

    async def stream(self, request: LlmRequest) -> AsyncGenerator[TextDelta | LlmReply]:
        """See `BaseLlm.stream`."""
        pieces = stream_within_time_limit(self._pieces(request), request)
        try:
            async for piece in pieces:
                yield piece
        finally:
            await pieces.aclose()

    async def aclose(self) -> None:
        """See `BaseLlm.aclose`."""
        await close_client(self._identity())

    def _check_key(self, key: str) -> None:
        if not (key.isascii() and key.isprintable()):
            raise AccountError(
                f"the API key for {self.provider} holds characters that no HTTP header can carry"
            )

    @abstractmethod
    def _pieces(self, request: LlmRequest) -> AsyncGenerator[TextDelta | LlmReply]:
        """As `stream`, without a time limit."""

    @abstractmethod
    def _open(self) -> _Client:
        """A client for the running event loop."""

    def _client(self) -> _Client:
        return shared_client(self._identity(), self._open)

    def _identity(self) -> Hashable:
        return (type(self), self._api_key, self._address())

    def _address(self) -> str | None:
        """None is the vendor's own."""
        by_environment = self.address_variable and os.environ.get(self.address_variable)
        return self._api_endpoint or by_environment or None
