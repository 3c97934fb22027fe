"""A provider that answers from a script: no network, no key, the same every time.

The script of a run is, first found: `script` in the task's metadata; the entry for the task id in
the file that `ScriptedProviders.from_file` read; that file's `default`; a short answer at once.
Which of the scripted failures a run meets is told by the task's attempt number alone, so a task
that is retried on another worker goes on where it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from llmbus.shared import AgentType, FailureKind, Usage
from llmbus.shared.errors import ConfigurationError
from llmbus.worker.llm_abstractions.base_llm import BaseLlm, LlmReply, LlmRequest, TaskOrigin
from llmbus.worker.llm_abstractions.errors import (
    CALL_ERRORS,
    LlmError,
    OutcomeUnknownError,
    RequestRejectedError,
    UnsupportedAgentTypeError,
)
from llmbus.worker.llm_abstractions.time_limits import within_time_limit

__all__ = ["Script", "ScriptedFailure", "ScriptedLlm", "ScriptedProviders"]

_CHARACTERS_PER_TOKEN: Final = 4
_Seconds = Annotated[float, msgspec.Meta(ge=0)]


class ScriptedFailure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One failing run. In a script the bare kind, such as `"rate_limited"`, means the same."""

    kind: FailureKind
    message: str = ""
    retry_after_seconds: _Seconds | None = None

    def __post_init__(self) -> None:
        if self.kind not in CALL_ERRORS:
            raise ValueError(
                f"no call fails by {self.kind.value!r} (one of: {', '.join(CALL_ERRORS)})"
            )

    def to_error(self) -> LlmError:
        """What the run raises."""
        error_type = CALL_ERRORS[self.kind]
        return error_type(
            self.message or f"scripted failure: {self.kind.value}",
            retry_after_seconds=self.retry_after_seconds,
            sent=issubclass(error_type, OutcomeUnknownError),
        )


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the runs of a task meet."""

    answer: str | None = None
    """None makes one up that names the task."""
    latency_seconds: _Seconds = 0.0
    """How long every run takes, the failing ones too."""
    failures: tuple[FailureKind | ScriptedFailure, ...] = ()
    """The first run meets the first of them, and so on; the runs after that get the answer."""

    def __post_init__(self) -> None:
        for failure in self.failures:
            _as_failure(failure)

    def failure_of(self, attempt: int) -> ScriptedFailure | None:
        """What this run fails by; None if it succeeds. Attempts count from 1."""
        if attempt > len(self.failures):
            return None
        return _as_failure(self.failures[attempt - 1])


_NO_SCRIPTS: Final[Mapping[str, Script]] = {}
_ANSWER_AT_ONCE: Final = Script()


class ScriptedLlm(BaseLlm):
    """Answers each request as its script says; `scripts` go by task id."""

    provider = "scripted"

    def __init__(
        self,
        model: str | None = None,
        *,
        scripts: Mapping[str, Script] = _NO_SCRIPTS,
        default: Script = _ANSWER_AT_ONCE,
    ) -> None:
        super().__init__(model or "scripted")
        self._scripts: Final = scripts
        self._default: Final = default

    async def generate(self, request: LlmRequest) -> LlmReply:
        """See `BaseLlm.generate`. A script in the metadata that is wrong is a
        `RequestRejectedError` naming the field."""
        origin = request.origin or TaskOrigin(task_id="")
        script = self._script_of(origin)
        async with within_time_limit(request):
            await asyncio.sleep(script.latency_seconds)
        if failure := script.failure_of(origin.attempt):
            raise failure.to_error()
        answer = script.answer
        if answer is None:
            answer = f"Scripted answer to {origin.task_id or 'no task'}"
        return LlmReply(
            text=answer,
            finish_reason="stop",
            usage=Usage(_tokens_of_messages(request), _tokens_of(answer)),
            model=self.model,
            provider=self.provider,
            request_id=f"scripted-{origin.task_id}-{origin.attempt}",
        )

    def _script_of(self, origin: TaskOrigin) -> Script:
        if "script" not in origin.metadata:
            return self._scripts.get(origin.task_id, self._default)
        try:
            return msgspec.convert(origin.metadata["script"], Script)
        except msgspec.ValidationError as error:
            raise RequestRejectedError(f"the task's metadata['script'] is wrong: {error}") from None


class ScriptedProviders:
    """A scripted provider for every agent type; stands in for `LlmFactory` in a worker."""

    def __init__(
        self, scripts: Mapping[str, Script] = _NO_SCRIPTS, default: Script = _ANSWER_AT_ONCE
    ) -> None:
        self._scripts: Final = scripts
        self._default: Final = default

    @classmethod
    def from_file(cls, path: str | Path) -> ScriptedProviders:
        """Scripts from a JSON file: an object of task ids and their scripts, and `default`.

        Raises `ConfigurationError` naming the file and the entry that is wrong.
        """
        try:
            entries = msgspec.json.decode(Path(path).read_bytes(), type=dict[str, msgspec.Raw])
        except (OSError, msgspec.MsgspecError) as error:
            raise ConfigurationError(f"scripts file {path}: {error}") from error
        scripts = {name: _decoded(path, name, entry) for name, entry in entries.items()}
        default = scripts.pop("default", _ANSWER_AT_ONCE)
        return cls(scripts, default)

    def get_provider(
        self, agent_type: AgentType | str, model: str | None = None, **_kwargs: Any
    ) -> ScriptedLlm:
        """A provider that calls itself by `model`; an unknown agent type is a `ValueError`."""
        if not self.is_provider_available(agent_type):
            raise UnsupportedAgentTypeError(f"agent type {agent_type!r} is unknown")
        return ScriptedLlm(model, scripts=self._scripts, default=self._default)

    def is_provider_available(self, agent_type: AgentType | str) -> bool:
        """Every agent type is."""
        return agent_type in set(AgentType)

    async def load(self, agent_type: AgentType | str) -> None:
        """There is nothing to load."""

    async def aclose(self) -> None:
        """There is nothing to close."""


def _decoded(path: str | Path, name: str, entry: msgspec.Raw) -> Script:
    try:
        return msgspec.json.decode(entry, type=Script)
    except msgspec.MsgspecError as error:
        raise ConfigurationError(f"scripts file {path}, entry {name!r}: {error}") from error


def _as_failure(failure: FailureKind | ScriptedFailure) -> ScriptedFailure:
    return failure if isinstance(failure, ScriptedFailure) else ScriptedFailure(failure)


def _tokens_of_messages(request: LlmRequest) -> int:
    return sum(_tokens_of(str(message.get("content") or "")) for message in request.messages)


def _tokens_of(text: str) -> int:
    return -(-len(text) // _CHARACTERS_PER_TOKEN)
