"""The providers that the behaviour suite runs on, behind one way of telling them what to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from llmbus.shared import FailureKind
from llmbus.worker.llm_abstractions import BaseLlm, LlmFactory, Script, ScriptedLlm
from llmbus.worker.llm_abstractions.scripted import ScriptedFailure
from llmbus.worker.provider_simulator import (
    Behaviour,
    Body,
    Connection,
    Finish,
    Simulator,
    Stream,
)

__all__ = ["CONTEXT_TOKENS", "KEY", "TASK_ID", "ScriptedSubject", "SimulatedSubject", "Subject"]

TASK_ID = "contract-task"
KEY = "sk-contract-0123456789"
CONTEXT_TOKENS = 10_000
"""More do not fit into the context of any subject."""

_BY_KIND = {
    FailureKind.RATE_LIMITED: Behaviour(status=429),
    FailureKind.UNAVAILABLE: Behaviour(status=503),
    FailureKind.OUTCOME_UNKNOWN: Behaviour(body=Body.TRUNCATED),
    FailureKind.REJECTED: Behaviour(status=400),
    FailureKind.REFUSED: Behaviour(finish=Finish.REFUSAL),
    FailureKind.ACCOUNT: Behaviour(status=401),
}


class Subject(ABC):
    """A provider under test."""

    llm: BaseLlm
    names_request = True
    """Whether its replies carry the provider's number of the request."""

    @abstractmethod
    def will_answer(self, text: str, *, after_seconds: float = 0.0) -> None:
        """Every call from now on."""

    @abstractmethod
    def will_fail(self, kind: FailureKind, *, retry_after_seconds: float | None = None) -> None:
        """The next call; for a context that is too long the caller must send one."""


class ScriptedSubject(Subject):
    """No network at all."""

    def __init__(self) -> None:
        self._scripts: dict[str, Script] = {}
        self.llm = ScriptedLlm("a-model", scripts=self._scripts)

    def will_answer(self, text: str, *, after_seconds: float = 0.0) -> None:
        self._scripts[TASK_ID] = Script(answer=text, latency_seconds=after_seconds)

    def will_fail(self, kind: FailureKind, *, retry_after_seconds: float | None = None) -> None:
        failure = ScriptedFailure(kind, retry_after_seconds=retry_after_seconds)
        self._scripts[TASK_ID] = Script(failures=(failure,))


class RemoteSubject(Subject):
    """A real SDK, a real connection."""

    @abstractmethod
    def will_call(self, tool: str, arguments: Mapping[str, Any]) -> None:
        """The next call."""

    @abstractmethod
    def will_be_cut(self) -> None:
        """The next answer, at the limit of its length."""

    @abstractmethod
    def will_break_in_stream(self, how: Stream) -> None:
        """The next streamed answer."""

    @abstractmethod
    def will_answer_nonsense(self, what: Body | Connection) -> None:
        """The next call."""

    @property
    @abstractmethod
    def calls(self) -> int:
        """How many requests arrived."""

    @abstractmethod
    def last_question(self) -> str:
        """The newest request, as text."""


class SimulatedSubject(RemoteSubject):
    """Whatever the provider simulator speaks for."""

    def __init__(self, simulator: Simulator, agent_type: str, model: str, address: str) -> None:
        self._simulator = simulator
        self.llm = LlmFactory.get_provider(agent_type, model, api_key=KEY, api_endpoint=address)

    def will_answer(self, text: str, *, after_seconds: float = 0.0) -> None:
        self._simulator.default = Behaviour(text=text, latency_seconds=after_seconds)

    def will_fail(self, kind: FailureKind, *, retry_after_seconds: float | None = None) -> None:
        if kind is FailureKind.CONTEXT_TOO_LONG:
            return
        status = _BY_KIND[kind].status
        if retry_after_seconds is not None:
            self._simulator.script(Behaviour(status=status, retry_after=retry_after_seconds))
        else:
            self._simulator.script(_BY_KIND[kind])

    def will_call(self, tool: str, arguments: Mapping[str, Any]) -> None:
        behaviour = Behaviour(finish=Finish.TOOL, tool=tool, tool_arguments=arguments)
        self._simulator.script(behaviour)

    def will_be_cut(self) -> None:
        self._simulator.script(Behaviour(text="Half a sen", finish=Finish.LENGTH))

    def will_break_in_stream(self, how: Stream) -> None:
        self._simulator.script(Behaviour(text="one two three four five six", stream=how))

    def will_answer_nonsense(self, what: Body | Connection) -> None:
        behaviour = Behaviour(body=what) if isinstance(what, Body) else Behaviour(connection=what)
        self._simulator.script(behaviour)

    @property
    def calls(self) -> int:
        return len(self._simulator.received)

    def last_question(self) -> str:
        return str(self._simulator.received[-1].body)
