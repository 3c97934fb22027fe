"""What goes wrong between `AnthropicLlm` and the API, over real sockets: one request, one typed
error."""

from collections.abc import AsyncIterator

import pytest

from llmbus.worker.llm_abstractions import (
    BaseLlm,
    LlmError,
    LlmFactory,
    LlmRequest,
)
from llmbus.worker.llm_abstractions.errors import (
    AccountError,
    AnswerRefusedError,
    CallTimedOutError,
    ContextTooLongError,
    OutcomeUnknownError,
    ProviderUnavailableError,
    RateLimitedError,
    RequestRejectedError,
)
from llmbus.worker.provider_simulator import (
    Behaviour,
    Body,
    Connection,
    Finish,
    Simulator,
    Stream,
)
from tests.support.llm_calls import MESSAGES, REQUEST, failure_of, read_stream, simulated_anthropic

KEY = "sk-ant-integration-0123456789"


@pytest.fixture
async def simulator(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    async with simulated_anthropic(monkeypatch, KEY) as simulator:
        yield simulator


@pytest.fixture
def llm(simulator: Simulator) -> BaseLlm:
    assert not simulator.received
    return LlmFactory.get_provider("anthropic-claude")


FAILURES: list[tuple[Behaviour, type[LlmError]]] = [
    (Behaviour(status=400), RequestRejectedError),
    (Behaviour(status=400, message="Your credit balance is too low to access"), AccountError),
    (Behaviour(status=400, message="prompt is too long: 9 tokens > 8"), ContextTooLongError),
    (Behaviour(status=401), AccountError),
    (Behaviour(status=402), AccountError),
    (Behaviour(status=403), AccountError),
    (Behaviour(status=404), RequestRejectedError),
    (Behaviour(status=408), ProviderUnavailableError),
    (Behaviour(status=409), ProviderUnavailableError),
    (Behaviour(status=413), ContextTooLongError),
    (Behaviour(status=422), RequestRejectedError),
    (Behaviour(status=429), RateLimitedError),
    (Behaviour(status=500), ProviderUnavailableError),
    (Behaviour(status=502), ProviderUnavailableError),
    (Behaviour(status=504), ProviderUnavailableError),
    (Behaviour(status=529), ProviderUnavailableError),
    (Behaviour(finish=Finish.REFUSAL), AnswerRefusedError),
    *((Behaviour(body=body), OutcomeUnknownError) for body in Body),
    (Behaviour(connection=Connection.CLOSED), OutcomeUnknownError),
    (Behaviour(connection=Connection.RESET), OutcomeUnknownError),
    (Behaviour(headers={"content-encoding": "gzip"}), OutcomeUnknownError),
]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("behaviour", "expected"), FAILURES)
async def test_failure_is_ours_and_is_never_asked_again(
    simulator: Simulator,
    llm: BaseLlm,
    behaviour: Behaviour,
    expected: type[LlmError],
    streamed: bool,
) -> None:
    simulator.script(behaviour)
    with pytest.raises(LlmError) as caught:
        await (read_stream(llm) if streamed else llm.generate(REQUEST))
    assert type(caught.value) is expected
    assert caught.value.sent
    assert len(simulator.received) == 1


async def test_waiting_time_and_request_id_are_handed_up(
    simulator: Simulator, llm: BaseLlm
) -> None:
    simulator.script(Behaviour(status=429, retry_after=86_400))
    error = await failure_of(llm)
    assert (error.retry_after_seconds, error.provider_code) == (86_400, "rate_limit_error")
    assert error.request_id


@pytest.mark.parametrize("status", [307, 408, 429, 503, 529])
async def test_sdk_never_sends_a_request_twice(
    simulator: Simulator, llm: BaseLlm, status: int
) -> None:
    location = f"{simulator.anthropic_url}/v1/messages"
    simulator.script(
        Behaviour(status=status, headers={"x-should-retry": "true", "location": location})
    )
    await failure_of(llm)
    assert len(simulator.received) == 1


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (Behaviour(stream=Stream.ERROR, after_events=1, status=529), ProviderUnavailableError),
        (Behaviour(stream=Stream.ERROR, after_events=6, status=529), OutcomeUnknownError),
        (Behaviour(stream=Stream.ERROR, after_events=1, status=429), RateLimitedError),
        (Behaviour(stream=Stream.ENDS_EARLY), OutcomeUnknownError),
        (Behaviour(stream=Stream.CUT), OutcomeUnknownError),
    ],
)
async def test_stream_that_fails_on_the_way_is_typed(
    simulator: Simulator, llm: BaseLlm, behaviour: Behaviour, expected: type[LlmError]
) -> None:
    simulator.script(behaviour)
    with pytest.raises(LlmError) as caught:
        await read_stream(llm)
    assert type(caught.value) is expected
    assert (caught.value.sent, len(simulator.received)) == (True, 1)


@pytest.mark.parametrize("how", [Stream.HANGS, Stream.DRIPS])
async def test_time_limit_is_total(simulator: Simulator, llm: BaseLlm, how: Stream) -> None:
    simulator.script(Behaviour(stream=how), Behaviour(connection=Connection.HUNG))
    hurried = LlmRequest(messages=MESSAGES, timeout_seconds=0.4)
    with pytest.raises(CallTimedOutError):
        await read_stream(llm, hurried)
    assert isinstance(await failure_of(llm, hurried), CallTimedOutError)
    assert (await llm.generate(REQUEST)).text
