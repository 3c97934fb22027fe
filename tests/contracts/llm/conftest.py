"""The providers that the behaviour suite runs on, behind one way of telling them what to do."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

import pytest

from llmbus.shared import FailureKind
from llmbus.worker.llm_abstractions import BaseLlm, LlmFactory, Script, ScriptedLlm
from llmbus.worker.llm_abstractions.scripted import ScriptedFailure
from tests.support.openai_server import (
    Answer,
    Ending,
    OpenAiServer,
    completion,
    error_body,
)

TASK_ID = "contract-task"


class Subject(ABC):
    """A provider under test."""

    llm: BaseLlm

    @abstractmethod
    def will_answer(self, text: str, *, after_seconds: float = 0.0) -> None:
        """Every call from now on."""

    @abstractmethod
    def will_fail(self, kind: FailureKind, *, retry_after_seconds: float | None = None) -> None:
        """The next call."""


class ScriptedSubject(Subject):
    def __init__(self) -> None:
        self._scripts: dict[str, Script] = {}
        self.llm = ScriptedLlm("a-model", scripts=self._scripts)

    def will_answer(self, text: str, *, after_seconds: float = 0.0) -> None:
        self._scripts[TASK_ID] = Script(answer=text, latency_seconds=after_seconds)

    def will_fail(self, kind: FailureKind, *, retry_after_seconds: float | None = None) -> None:
        failure = ScriptedFailure(kind, retry_after_seconds=retry_after_seconds)
        self._scripts[TASK_ID] = Script(failures=(failure,))


_BY_KIND = {
    FailureKind.RATE_LIMITED: Answer(status=429, body=error_body("rate_limit_exceeded")),
    FailureKind.UNAVAILABLE: Answer(status=503, body=error_body("overloaded")),
    FailureKind.OUTCOME_UNKNOWN: Answer(ending=Ending.DROP_IN_BODY),
    FailureKind.CONTEXT_TOO_LONG: Answer(status=400, body=error_body("context_length_exceeded")),
    FailureKind.REJECTED: Answer(status=400, body=error_body("invalid_value")),
    FailureKind.REFUSED: Answer(body=completion(None, finish_reason="content_filter")),
    FailureKind.ACCOUNT: Answer(status=401, body=error_body("invalid_api_key")),
}


class OpenAiSubject(Subject):
    def __init__(self, server: OpenAiServer) -> None:
        self._server = server
        self.llm = LlmFactory.get_provider(
            "openai-gpt", "a-model", api_key="sk-contract", api_endpoint=server.base_url
        )

    def will_answer(self, text: str, *, after_seconds: float = 0.0) -> None:
        body = completion(text, model="a-model")
        self._server.default = Answer(body=body, delay_seconds=after_seconds)

    def will_fail(self, kind: FailureKind, *, retry_after_seconds: float | None = None) -> None:
        answer = _BY_KIND[kind]
        if retry_after_seconds is not None:
            headers = {"retry-after": str(retry_after_seconds)}
            answer = Answer(status=answer.status, body=answer.body, headers=headers)
        self._server.script(answer)


@pytest.fixture(params=["scripted", "openai"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    """Each provider in turn."""
    if request.param == "scripted":
        yield ScriptedSubject()
        return
    async with OpenAiServer() as server:
        yield OpenAiSubject(server)
        await LlmFactory.aclose()
