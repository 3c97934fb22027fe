"""One task, one call to a provider, by the code of the direct path."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import Final

from llmbus.shared.clock import Clock
from llmbus.shared.envelope import RequestedAgent
from llmbus.shared.result import ExecutionResult, Failure, FailureKind
from llmbus.worker.executor import Executor, failed_result
from llmbus.worker.llm_abstractions import LlmFactory, Providers, ScriptedProviders
from llmbus.worker.llm_abstractions.profiles.rules import configured_rules
from llmbus.worker.llm_execution.script_input import ScriptInput

__all__ = ["ask_once", "providers_here"]

_STOPPING: Final = (signal.SIGTERM, signal.SIGINT)
_STOPPED: Final = "stopped by a signal while the provider was asked; the call may have been billed"


def providers_here() -> Providers:
    """The real ones, or those of the file that LLMBUS_SCRIPTED names: a deployment that must not
    pay does not pay here either. `ConfigurationError` for a wrong setting."""
    configured_rules()  # a wrong profiles file is a setting to mend, not a defect
    scripted = os.environ.get("LLMBUS_SCRIPTED")
    return ScriptedProviders.from_file(scripted) if scripted else LlmFactory


async def ask_once(given: ScriptInput, providers: Providers, clock: Clock) -> ExecutionResult:
    """The result, whatever happens. SIGTERM and Ctrl-C give up the call: a failed result, whose
    outcome is unknown. A second one ends the program."""
    # Until here, and while an SDK is imported, a signal simply ends the program: nothing is paid.
    with suppress(Exception):  # told again, in full, when the executor asks
        await providers.load(given.agent_type)
    started_at = clock.now()
    execution = Executor(providers, clock).execute(
        given.task, RequestedAgent(given.agent_type), attempt=1
    )
    asking = asyncio.ensure_future(execution)
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        asking.cancel()
        _on_every_signal(loop, signal.SIG_DFL)

    for number in _STOPPING:
        loop.add_signal_handler(number, on_signal)
    await asyncio.wait((asking,))
    if not asking.cancelled():
        _on_every_signal(loop, signal.SIG_IGN)  # what is paid for is printed
    await providers.aclose()
    if asking.cancelled():
        stopped = Failure(FailureKind.OUTCOME_UNKNOWN, _STOPPED)
        return failed_result(given.task, stopped, started_at)
    return asking.result()


def _on_every_signal(loop: asyncio.AbstractEventLoop, action: signal.Handlers) -> None:
    for number in _STOPPING:
        loop.remove_signal_handler(number)
        signal.signal(number, action)
