"""`llmbus simulate-providers`: the provider simulator as a program."""

from __future__ import annotations

import asyncio
import signal
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from llmbus.shared.errors import ConfigurationError

if TYPE_CHECKING:
    from llmbus.worker.provider_simulator.server import Simulator

__all__ = ["simulate_providers"]


def simulate_providers(
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Where to listen; 0 takes any free port.")
    ] = 8_400,
    host: Annotated[str, typer.Option(help="On which address of this machine.")] = "127.0.0.1",
    latency: Annotated[
        float, typer.Option(min=0.0, help="Seconds before every answer that does not say.")
    ] = 0.0,
) -> None:
    """Answer like Anthropic, OpenAI and Gemini: for tests and demonstrations, without keys or
    costs.

    Prints the environment variables that point the SDKs here, then serves until SIGTERM or Ctrl-C
    (exit code 0). Any key will do but `wrong-key`. What the services refuse is refused here:
    parameters that a model does not take, retired models, conversations out of order.

    A prompt says how its call goes by a line such as
    `[[simulate: {"status": 429, "retry_after": 7, "times": 2}]]`; fields are `latency_seconds`,
    `status`, `error_type`, `error_code`, `message`, `retry_after`, `headers`,
    `body` (truncated, invalid, empty, html, wrong_shape), `connection` (closed, reset, hung),
    `stream` (error, ends_early, cut, hangs, drips), `after_events`, `drip_seconds`, `text`,
    `finish` (stop, length, tool, refusal, filter, failed), `tool`, `tool_arguments`, `thinking`,
    `answering_model`, `usage`, `times`, `only_for`.

    Over HTTP: `POST /admin/script` takes a list of the same for the next calls,
    `GET /admin/received` shows what was sent, `DELETE /admin` forgets both.
    """
    if find_spec("aiohttp") is None:
        raise ConfigurationError("the simulator needs aiohttp: pip install 'llmbus[openai]'")
    from llmbus.worker.provider_simulator.server import Simulator

    simulator = Simulator(host=host, port=port, latency_seconds=latency)
    asyncio.run(_serve(simulator))  # noqa: TID251  the program's entry point


async def _serve(simulator: Simulator) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with simulator:
            typer.echo(f"export ANTHROPIC_BASE_URL={simulator.anthropic_url}")
            typer.echo(f"export OPENAI_BASE_URL={simulator.openai_url}")
            typer.echo(f"export GOOGLE_GEMINI_BASE_URL={simulator.gemini_url}")
            for vendor in ("ANTHROPIC", "OPENAI", "GOOGLE"):
                typer.echo(f"export {vendor}_API_KEY=any")
            await stop.wait()
    except OSError as error:
        raise ConfigurationError(f"cannot listen there (--port, --host): {error}") from None
