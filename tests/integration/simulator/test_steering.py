"""How calls are steered and what comes of it, over plain HTTP: what any SDK is confronted with."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import date
from io import BytesIO
from typing import Any

import aiohttp
import pytest

from llmbus.worker.provider_simulator import (
    Behaviour,
    Body,
    Connection,
    OnlyFor,
    Simulator,
    Stream,
    Vendor,
)

Ask = Callable[..., Any]
URLS = {
    Vendor.ANTHROPIC: "/v1/messages",
    Vendor.OPENAI: "/v1/chat/completions",
    Vendor.GEMINI: "/v1beta/models/gemini-3.8-flash:generateContent",
}
HEADERS = {
    "x-api-key": "k",
    "anthropic-version": "2026-10-21",
    "authorization": "Bearer k",
    "x-goog-api-key": "k",
}


@pytest.fixture
async def http(simulator: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(simulator.anthropic_url, headers=HEADERS) as session:
        yield session


def body_for(vendor: Vendor, prompt: str = "Hello.", *, stream: bool = False) -> dict[str, Any]:
    messages = [{"role": "user", "content": prompt}]
    match vendor:
        case Vendor.ANTHROPIC:
            model = "claude-haiku-5-5"
            fields = {"model": model, "max_tokens": 99, "messages": messages}
        case Vendor.OPENAI:
            fields = {"model": "gpt-4o", "messages": messages}
        case Vendor.GEMINI:
            return {"contents": [{"role": "user", "parts": [{"text": prompt}]}]}
    return fields | ({"stream": True} if stream else {})


async def ask(
    http: aiohttp.ClientSession, prompt: str = "Hello.", vendor: Vendor = Vendor.OPENAI
) -> tuple[int, Any]:
    async with http.post(URLS[vendor], json=body_for(vendor, prompt)) as answer:
        return answer.status, await answer.json()


async def frames(http: aiohttp.ClientSession, vendor: Vendor = Vendor.OPENAI) -> list[str]:
    body = body_for(vendor, stream=True)
    async with http.post(URLS[vendor], json=body) as answer:
        return (await answer.text()).split("\n\n")[:-1]


@pytest.mark.parametrize("vendor", Vendor)
async def test_error_has_the_shape_of_the_vendor(
    http: aiohttp.ClientSession, simulator: Simulator, vendor: Vendor
) -> None:
    simulator.script(Behaviour(status=429, retry_after=1.5, message="Slow down."))
    async with http.post(URLS[vendor], json=body_for(vendor)) as answer:
        error = (await answer.json())["error"]
    assert (answer.status, error["message"]) == (429, "Slow down.")
    match vendor:
        case Vendor.ANTHROPIC:
            assert error["type"] == "rate_limit_error"
        case Vendor.OPENAI:
            assert error["code"] == "rate_limit_exceeded"
        case Vendor.GEMINI:
            assert error["status"] == "RESOURCE_EXHAUSTED"
            assert error["details"][0]["retryDelay"] == "1.5s"
    header = answer.headers.get("retry-after")
    assert header == (None if vendor is Vendor.GEMINI else "1.5")


async def test_error_says_what_it_is_told(
    http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    simulator.script(
        Behaviour(
            status=429,
            error_type="insufficient_quota",
            error_code="insufficient_quota",
            headers={"x-should-retry": "false"},
        )
    )
    async with http.post(URLS[Vendor.OPENAI], json=body_for(Vendor.OPENAI)) as answer:
        error = (await answer.json())["error"]
    assert (error["type"], error["code"]) == ("insufficient_quota", "insufficient_quota")
    assert answer.headers["x-should-retry"] == "false"


async def test_redirect_goes_out_as_it_is(
    http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    simulator.script(Behaviour(status=307, headers={"location": "/v1/elsewhere"}))
    async with http.post(
        URLS[Vendor.OPENAI], json=body_for(Vendor.OPENAI), allow_redirects=False
    ) as answer:
        assert (answer.status, await answer.read()) == (307, b"")


@pytest.mark.parametrize("vendor", Vendor)
async def test_directive_holds_for_its_prompt(http: aiohttp.ClientSession, vendor: Vendor) -> None:
    steps = '[[simulate: {"status": 503, "times": 2}]] [[simulate: {"text": "Yes."}]]'
    statuses = [(await ask(http, f"Well? {steps}", vendor))[0] for _ in range(4)]
    assert statuses == [503, 503, 200, 200]
    status, answer = await ask(http, f"Another. {steps}", vendor)
    assert status == 503
    _, answer = await ask(http, "Plain question.", vendor)
    assert "Simulated answer to: Plain question." in json.dumps(answer)


async def test_model_does_not_see_the_directive(http: aiohttp.ClientSession) -> None:
    _, answer = await ask(http, 'Hello [[simulate: {"latency_seconds": 0}]] there.')
    assert answer["choices"][0]["message"]["content"] == "Simulated answer to: Hello there."


@pytest.mark.parametrize("directive", ["{", '{"staus": 500}', '{"status": 999}', '{"times": 0}'])
async def test_directive_that_cannot_be_read_is_refused(
    http: aiohttp.ClientSession, directive: str
) -> None:
    status, answer = await ask(http, f"[[simulate: {directive}]]")
    assert status == 400
    assert "not a behaviour" in answer["error"]["message"]


async def test_script_waits_for_the_call_that_it_is_for(
    http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    simulator.script(
        Behaviour(status=500, only_for=OnlyFor(vendor=Vendor.GEMINI)),
        Behaviour(status=501, only_for=OnlyFor(containing="dragons")),
        Behaviour(status=502, only_for=OnlyFor(model="gpt-4o"), times=2),
    )
    prompts = ["Hello.", "Here be dragons.", "Hello.", "Hello."]
    assert [(await ask(http, prompt))[0] for prompt in prompts] == [502, 501, 502, 200]
    assert (await ask(http, vendor=Vendor.GEMINI))[0] == 500


async def test_refused_request_takes_nothing_from_the_script(
    http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    simulator.script(Behaviour(status=503))
    async with http.post(URLS[Vendor.OPENAI], json={"model": "gpt-4o"}) as answer:
        assert answer.status == 400
    assert (await ask(http))[0] == 503


async def test_default_holds_when_nobody_says(
    http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    simulator.default = Behaviour(text="Always.", usage={"input": 7, "cached": 3})
    _, answer = await ask(http)
    assert answer["choices"][0]["message"]["content"] == "Always."
    assert answer["usage"]["prompt_tokens"] == 7
    assert answer["usage"]["prompt_tokens_details"]["cached_tokens"] == 3


@pytest.mark.parametrize("vendor", Vendor)
@pytest.mark.parametrize("how", Body)
async def test_body_is_broken(
    http: aiohttp.ClientSession, simulator: Simulator, vendor: Vendor, how: Body
) -> None:
    simulator.script(Behaviour(body=how))
    async with http.post(URLS[vendor], json=body_for(vendor)) as answer:
        assert answer.status == 200
        if how is Body.TRUNCATED:
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.read()
            return
        body = await answer.text()
    assert (answer.content_type == "text/html") is (how is Body.HTML)
    assert (body == "") is (how is Body.EMPTY)
    if how is Body.WRONG_SHAPE:
        assert json.loads(body) == {"hello": "world"}
    else:
        with pytest.raises(json.JSONDecodeError):
            json.loads(body)


async def test_error_can_come_with_a_broken_body(
    http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    simulator.script(Behaviour(status=502, body=Body.HTML))
    async with http.post(URLS[Vendor.OPENAI], json=body_for(Vendor.OPENAI)) as answer:
        assert (answer.status, answer.content_type) == (502, "text/html")


@pytest.mark.parametrize("how", [Connection.CLOSED, Connection.RESET])
async def test_connection_breaks(
    http: aiohttp.ClientSession, simulator: Simulator, how: Connection
) -> None:
    simulator.script(Behaviour(connection=how))
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask(http)
    assert simulator.received[0].status is None


async def test_connection_hangs_until_the_caller_leaves(
    http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    simulator.script(Behaviour(connection=Connection.HUNG))
    call = asyncio.create_task(ask(http))
    await simulator.until_received(1)
    assert not call.done()
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert (await ask(http))[0] == 200


async def test_stream_ends_early_without_its_end(
    http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    simulator.script(Behaviour(stream=Stream.ENDS_EARLY, after_events=2))
    assert len(await frames(http)) == 2
    simulator.script(Behaviour(stream=Stream.ENDS_EARLY, after_events=1_000))
    assert "[DONE]" not in (await frames(http))[-1]


async def test_stream_is_cut(http: aiohttp.ClientSession, simulator: Simulator) -> None:
    simulator.script(Behaviour(stream=Stream.CUT))
    with pytest.raises(aiohttp.ClientPayloadError):
        await frames(http, Vendor.ANTHROPIC)


async def test_stream_drips(http: aiohttp.ClientSession, simulator: Simulator) -> None:
    simulator.script(Behaviour(stream=Stream.DRIPS, drip_seconds=0.02))
    begun = time.perf_counter()
    received = await frames(http)
    assert time.perf_counter() - begun >= 0.02 * len(received) > 0.1
    assert "[DONE]" in received[-1]


async def test_stream_hangs(http: aiohttp.ClientSession, simulator: Simulator) -> None:
    simulator.script(Behaviour(stream=Stream.HANGS, after_events=1))
    body = body_for(Vendor.OPENAI, stream=True)
    async with http.post(URLS[Vendor.OPENAI], json=body) as answer:
        assert await answer.content.readuntil(b"\n\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await answer.content.readuntil(b"\n\n")


async def test_latency_is_per_call_or_for_all(
    http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    simulator.latency_seconds = 0.2
    simulator.script(Behaviour(latency_seconds=0.0, only_for=OnlyFor(containing="quick")))
    begun = time.perf_counter()
    await ask(http, "quick")
    quick = time.perf_counter() - begun
    await asyncio.gather(*(ask(http) for _ in range(5)))
    assert quick < 0.2 <= time.perf_counter() - begun - quick
    assert simulator.most_in_flight == 5
    assert simulator.in_flight == 0


async def test_admin_calls_steer_and_look_back(http: aiohttp.ClientSession) -> None:
    script = [{"status": 529, "only_for": {"vendor": "anthropic"}}, {"text": "Scripted."}]
    async with http.post("/admin/script", json=script) as answer:
        assert await answer.json() == {"scripted": 2}
    assert (await ask(http, vendor=Vendor.ANTHROPIC))[0] == 529
    assert "Scripted." in json.dumps(await ask(http))
    async with http.get("/admin/received") as answer:
        received = await answer.json()
    assert [one["status"] for one in received] == [529, 200]
    assert received[1]["body"] == body_for(Vendor.OPENAI)
    assert not {"authorization", "x-api-key", "x-goog-api-key"} & received[1]["headers"].keys()
    async with http.delete("/admin") as answer:
        assert answer.status == 204
    async with http.get("/admin/received") as answer:
        assert await answer.json() == []


async def test_admin_refuses_what_is_no_behaviour(http: aiohttp.ClientSession) -> None:
    async with http.post("/admin/script", json={"finish": "never"}) as answer:
        assert answer.status == 400
        assert "never" in (await answer.json())["error"]


@pytest.mark.parametrize("vendor", Vendor)
async def test_what_is_no_json_is_refused(http: aiohttp.ClientSession, vendor: Vendor) -> None:
    async with http.post(URLS[vendor], data=b"\xff{") as answer:
        assert (answer.status, "error" in await answer.json()) == (400, True)


@pytest.mark.parametrize("vendor", Vendor)
async def test_missing_key_is_refused(simulator: Simulator, vendor: Vendor) -> None:
    async with (
        aiohttp.ClientSession(simulator.anthropic_url) as session,
        session.post(URLS[vendor], json=body_for(vendor)) as answer,
    ):
        assert answer.status == (403 if vendor is Vendor.GEMINI else 401)


async def test_only_the_accepted_keys_are(http: aiohttp.ClientSession) -> None:
    async with Simulator(accepted_keys={"k2"}) as strict:
        for key, status in (("k", 401), ("k2", 200)):
            async with http.post(
                f"{strict.openai_url}/chat/completions",
                json=body_for(Vendor.OPENAI),
                headers={"authorization": f"Bearer {key}"},
            ) as answer:
                assert answer.status == status


@pytest.mark.parametrize("vendor", Vendor)
async def test_prompt_can_be_too_long(vendor: Vendor) -> None:
    async with (
        Simulator(context_tokens=10) as small,
        aiohttp.ClientSession(small.anthropic_url, headers=HEADERS) as session,
    ):
        assert (await ask(session, "Short.", vendor))[0] == 200
        status, answer = await ask(session, "long " * 20, vendor)
    assert status == 400
    assert "25" in answer["error"]["message"]


@pytest.mark.parametrize(("day", "status"), [(29, 200), (30, 404)])
async def test_model_is_unknown_from_the_day_of_its_retirement(day: int, status: int) -> None:
    async with (
        Simulator(today=lambda: date(2026, 11, day)) as simulator,
        aiohttp.ClientSession(simulator.anthropic_url, headers=HEADERS) as session,
    ):
        body = body_for(Vendor.ANTHROPIC) | {"model": "claude-sonnet-4-5-20250929"}
        async with session.post(URLS[Vendor.ANTHROPIC], json=body) as answer:
            assert answer.status == status


async def test_thousand_calls_wait_side_by_side(simulator: Simulator) -> None:
    simulator.latency_seconds = 0.1
    async with aiohttp.ClientSession(
        simulator.anthropic_url, headers=HEADERS, connector=aiohttp.TCPConnector(limit=0)
    ) as session:
        answers = await asyncio.gather(*(ask(session) for _ in range(1_000)))
    assert {status for status, _ in answers} == {200}
    assert simulator.most_in_flight > 200


async def test_body_can_be_too_large(http: aiohttp.ClientSession) -> None:
    async with http.post(URLS[Vendor.ANTHROPIC], data=BytesIO(bytes(33 * 1024 * 1024))) as answer:
        assert (answer.status, (await answer.json())["error"]["type"]) == (
            413,
            "request_too_large",
        )
