"""What travels around a body: AMQP properties and `llmbus-…` headers.

The body says what is asked; all that belongs to one hand-over (attempt, reply route, which model
the orchestrator chose) stands here, so that a retry copies the body untouched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from llmbus.shared.agents import AgentConfig, AgentType
from llmbus.shared.bus.interface import HeaderValue, Message
from llmbus.shared.result import Usage, together

__all__ = [
    "RequestedAgent",
    "answered_redrive_of",
    "answered_submission_of",
    "attempt_of",
    "earlier_failures_of",
    "fallback_reason_of",
    "lane_of",
    "note_spent",
    "own_headers",
    "requested_agent_of",
    "spent_of",
    "submission_of",
]

TASK_TYPE: Final = "agent.task.v1"

ATTEMPT: Final = "llmbus-attempt"
"""Which run this hand-over is for; the first is 1."""
AGENT: Final = "llmbus-agent"
"""What the orchestrator's registry says of the agent, as JSON."""
FIRST_AT: Final = "llmbus-first-at"
"""When the task was first published, ISO 8601; `timestamp` is that of the latest publish."""
TENANT: Final = "llmbus-tenant"
FALLBACK: Final = "llmbus-fallback"
"""Why the task left the direct path."""
LANE: Final = "llmbus-lane"
"""The lane of a task that was put off, where its routing key is another one."""
FAILURE: Final = "llmbus-failure"
"""How the latest attempt ended, as JSON: of a task in the fallback queue or in parking."""
FAILED: Final = "llmbus-failed"
"""How many attempts before this one failed in which kind, as JSON."""
SPENT: Final = "llmbus-spent"
"""What the attempts before this one consumed, as JSON."""
REDRIVES: Final = "llmbus-redrives"
"""How often the message was sent back from parking."""
ANSWERED_REDRIVE: Final = "llmbus-answered-redrive"
"""On results: which redrive of the task this is the answer to. (`llmbus-redrives` of a result would
count how often the result itself was sent back.)"""

ANSWERED_SUBMISSION: Final = "llmbus-answered-submission"
"""On results: when the task that this answers was first published."""


class RequestedAgent(msgspec.Struct, frozen=True, omit_defaults=True):
    """The agent as its orchestrator registered it: enough to run it anywhere. Neither key nor
    endpoint: a message must not choose where a worker sends its key."""

    agent_type: AgentType
    model: str = ""
    max_tokens: int | None = None
    temperature: float | None = None

    @classmethod
    def from_config(cls, config: AgentConfig) -> RequestedAgent:
        """What of this agent may travel."""
        return cls(config.agent_type, config.model, config.max_tokens, config.temperature)


_Decoded = TypeVar("_Decoded")
_AGENT_DECODER: Final = msgspec.json.Decoder(RequestedAgent)
_FAILED_DECODER: Final = msgspec.json.Decoder(dict[str, int])
_USAGE_DECODER: Final = msgspec.json.Decoder(Usage)


def lane_of(message: Message, routing_key: str) -> str:
    """The lane of a task that came under this routing key."""
    lane = message.headers.get(LANE)
    return lane if isinstance(lane, str) else routing_key


def attempt_of(message: Message) -> int:
    """Which run this hand-over is for; 1 where the header is missing or makes no sense."""
    attempt = message.headers.get(ATTEMPT, 1)
    return attempt if isinstance(attempt, int) and attempt >= 1 else 1


def submission_of(message: Message) -> str | None:
    """What all messages of one `submit` share; None where another program sent the message. Each
    redrive from parking asks anew, and repeats of one redrive are the same."""
    first_at = message.headers.get(FIRST_AT)
    if not isinstance(first_at, str):
        return None
    redrives = message.headers.get(REDRIVES)
    return f"{first_at}#{redrives}" if redrives else first_at


def fallback_reason_of(message: Message) -> str | None:
    """Why the task left the direct path; None where the broker itself dead-lettered it."""
    reason = message.headers.get(FALLBACK)
    return reason if isinstance(reason, str) else None


def answered_redrive_of(message: Message) -> int:
    """Which redrive of the task this result answers; 0 if the task was never redriven."""
    redrive = message.headers.get(ANSWERED_REDRIVE)
    return redrive if isinstance(redrive, int) else 0


def answered_submission_of(message: Message) -> str | None:
    """Which submission of the task this result answers, whatever redrives it had; None where the
    worker is older than that header, or another program sent the task."""
    first_at = message.headers.get(ANSWERED_SUBMISSION)
    return first_at if isinstance(first_at, str) else None


def earlier_failures_of(message: Message) -> dict[str, int]:
    """How many attempts before this one failed in which kind."""
    return _decoded(message.headers.get(FAILED), _FAILED_DECODER) or {}


def spent_of(message: Message) -> Usage | None:
    """What the attempts before this one consumed; None if nothing is known of any."""
    return _decoded(message.headers.get(SPENT), _USAGE_DECODER)


def requested_agent_of(message: Message) -> RequestedAgent | None:
    """The agent that the orchestrator asked for; None where the header is missing or unreadable."""
    return _decoded(message.headers.get(AGENT), _AGENT_DECODER)


def own_headers(headers: Mapping[str, HeaderValue]) -> dict[str, HeaderValue]:
    """The headers without the broker's own."""
    return {name: value for name, value in headers.items() if not name.startswith("x-")}


def note_spent(headers: dict[str, HeaderValue], message: Message, spent: Usage | None) -> None:
    """Add what one more run has spent to what this message says."""
    total = together(spent_of(message), spent)
    if total is not None:
        headers[SPENT] = msgspec.json.encode(total).decode()


def _decoded(
    header: HeaderValue | None, decoder: msgspec.json.Decoder[_Decoded]
) -> _Decoded | None:
    if not isinstance(header, str):
        return None
    try:
        return decoder.decode(header)
    except msgspec.DecodeError:
        return None
