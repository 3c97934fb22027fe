"""`Simulator`: the services of three vendors on one local port."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime
from typing import Any, Final, Self

from aiohttp import web

from llmbus.shared.errors import InvalidInputError
from llmbus.worker.provider_simulator.acceptance import Acceptance
from llmbus.worker.provider_simulator.admin import admin_routes
from llmbus.worker.provider_simulator.answering import error_response, respond
from llmbus.worker.provider_simulator.anthropic.api import AnthropicMessages
from llmbus.worker.provider_simulator.api_error import ApiError, refuse
from llmbus.worker.provider_simulator.behaviour import Behaviour
from llmbus.worker.provider_simulator.dialect import Dialect
from llmbus.worker.provider_simulator.directives import Directives
from llmbus.worker.provider_simulator.gemini.api import GeminiGenerateContent
from llmbus.worker.provider_simulator.http_call import call_of
from llmbus.worker.provider_simulator.model_lists import model_list_routes
from llmbus.worker.provider_simulator.openai.chat import OpenAiChat
from llmbus.worker.provider_simulator.openai.responses import OpenAiResponses
from llmbus.worker.provider_simulator.question import Question
from llmbus.worker.provider_simulator.received import Received
from llmbus.worker.provider_simulator.received_calls import ReceivedCalls
from llmbus.worker.provider_simulator.rules import RulesOfModels
from llmbus.worker.provider_simulator.script import Script

__all__ = ["Simulator"]

_LARGEST_BODY_BYTES: Final = 32 * 1024 * 1024
_BACKLOG: Final = 4_096
_ROUTES: Final[tuple[tuple[str, Callable[[], Dialect]], ...]] = (
    ("/v1/messages", AnthropicMessages),
    ("/v1/chat/completions", OpenAiChat),
    ("/v1/responses", OpenAiResponses),
    ("/{version:v1|v1beta|v1alpha}/models/{model:[^/:]+}:{method}", GeminiGenerateContent),
)


def _today() -> date:
    return datetime.now(UTC).date()


class Simulator:
    """Answers like Anthropic, OpenAI and Gemini, refuses what they refuse, and can be told how to
    answer, call by call.

        async with Simulator() as simulator:
            monkeypatch.setenv("ANTHROPIC_BASE_URL", simulator.anthropic_url)
            simulator.script(Behaviour(status=429, retry_after=7))
            ...
            assert simulator.received[0].body["max_tokens"] == 100

    How a call is answered is said by, in this order: a directive in its prompt
    (`[[simulate: {...}]]`), the script, `default`. The script waits for a request that the
    service would accept: one that is refused takes nothing from it.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        latency_seconds: float = 0.0,
        accepted_keys: Collection[str] | None = None,
        context_tokens: int = 1_000_000,
        today: Callable[[], date] = _today,
    ) -> None:
        """`port` 0 lets the system choose. `accepted_keys` None accepts any key but `WRONG_KEY`.
        A prompt over `context_tokens` (four characters each) is refused as too long. Models that
        are retired on the day `today` are unknown."""
        self.default = Behaviour()
        """How to answer when nobody says."""
        self.latency_seconds = latency_seconds
        self.in_flight = 0
        self.most_in_flight = 0
        self._host = host
        self._port = port
        self._models = RulesOfModels(today)
        self._acceptance = Acceptance(accepted_keys, context_tokens, self._models)
        self._received = ReceivedCalls()
        self._script = Script()
        self._directives = Directives()
        self._runner: web.AppRunner

    @property
    def received(self) -> deque[Received]:
        """The newest 10,000 calls, oldest first."""
        return self._received.newest

    @property
    def port(self) -> int:
        """Where it listens, once it does."""
        return self._port

    @property
    def anthropic_url(self) -> str:
        """For `ANTHROPIC_BASE_URL`."""
        return f"http://{self._host}:{self._port}"

    @property
    def openai_url(self) -> str:
        """For `OPENAI_BASE_URL`."""
        return f"http://{self._host}:{self._port}/v1"

    @property
    def gemini_url(self) -> str:
        """For `GOOGLE_GEMINI_BASE_URL`."""
        return f"http://{self._host}:{self._port}"

    def script(self, *behaviours: Behaviour) -> None:
        """Answer the next calls like this: each for its `times` calls (one if it does not say),
        of those that it is `only_for`."""
        self._script.add(behaviours)

    def forget(self) -> None:
        """Drop the script, what was received, and the counts of directives in prompts."""
        self._script.forget()
        self._directives.forget()
        self._received.forget()

    async def until_received(self, count: int) -> None:
        """Return when that many calls have arrived since the start or `forget`."""
        await self._received.until(count)

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=_LARGEST_BODY_BYTES)
        for path, make in _ROUTES:
            application.router.add_post(path, self._handler(make()))
        application.router.add_routes(model_list_routes(self._models))
        application.router.add_routes(admin_routes(self))
        self._runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port, backlog=_BACKLOG).start()
        except BaseException:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def _handler(self, dialect: Dialect) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            try:
                return await self._answer(request, dialect)
            finally:
                self.in_flight -= 1

        return handle

    async def _answer(self, request: web.Request, dialect: Dialect) -> web.StreamResponse:
        try:
            call = await call_of(request)
        except web.HTTPRequestEntityTooLarge:
            return error_response(dialect, ApiError(413, "Request exceeds the maximum size"))
        received = self._received.note(call, dialect)
        try:
            question = self._acceptance.read(call, dialect)
            behaviour = self._behaviour(question, dialect)
        except ApiError as error:
            received.status, received.refusal = error.status, error.message
            return error_response(dialect, error)
        latency = behaviour.latency_seconds
        if latency is None:
            latency = self.latency_seconds
        response = await respond(request, dialect, question, behaviour, latency)
        if behaviour.connection is None:
            received.status = response.status
        return response

    def _behaviour(self, question: Question, dialect: Dialect) -> Behaviour:
        try:
            directed = self._directives.take(question.texts)
        except InvalidInputError as error:
            refuse(f"[[simulate: ...]]: {error}")
        if directed is not None:
            return directed
        return self._script.take(dialect.vendor, question.model, question.prompt) or self.default
