"""The command line as a whole: which commands there are, and how each of them ends."""

from __future__ import annotations

import sys
import traceback
from importlib.metadata import version
from typing import Annotated, Final, NoReturn, cast

import typer

from llmbus.ops.cli.exit_codes import ExitCode, describe, exit_code, llmbus_error_in
from llmbus.ops.cli.lazy import LazyCommand, LazyGroup, lazy_group

__all__ = ["main"]

_PARKING: Final = (
    LazyCommand(
        "list", "llmbus.ops.cli.parking.listing:list_parked", "List it, and count the reasons."
    ),
    LazyCommand("show", "llmbus.ops.cli.parking.showing:show", "Show one message wholly."),
    LazyCommand(
        "redrive", "llmbus.ops.cli.parking.redriving:redrive", "Send messages back to be tried."
    ),
    LazyCommand(
        "discard", "llmbus.ops.cli.parking.discarding:discard_parked", "Discard messages for good."
    ),
)

_COMMANDS: Final = (
    LazyCommand("run", "llmbus.ops.cli.run:run", "Run a file of tasks and collect the results."),
    LazyCommand("worker", "llmbus.worker.cli:worker", "Take tasks from the bus and run them."),
    LazyCommand("fallback", "llmbus.worker.cli:fallback", "Run what the direct path cannot serve."),
    LazyCommand("cancel", "llmbus.ops.cli.cancel:cancel", "End tasks, wherever they are."),
    LazyCommand("workers", "llmbus.ops.cli.workers:workers", "List the live workers."),
    LazyCommand("status", "llmbus.ops.cli.status:status", "Show how full each queue is."),
    lazy_group("parking", "See, send back or discard what nobody could deal with.", _PARKING),
    LazyCommand(
        "simulate-providers",
        "llmbus.worker.provider_simulator.cli:simulate_providers",
        "Answer like Anthropic, OpenAI and Gemini, for tests.",
    ),
    LazyCommand("health", "llmbus.ops.cli.health:health", "Say whether a worker lives here."),
)

_app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    rich_markup_mode="markdown",
    no_args_is_help=True,
    epilog="Settings come from LLMBUS_… variables, such as LLMBUS_AMQP_URL and LLMBUS_REDIS_URL.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"llmbus {version('llmbus')}")
        raise typer.Exit


@_app.callback()
def llmbus(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """A message bus for LLM agent tasks on RabbitMQ and Redis."""


def main() -> NoReturn:
    """Run the command line and exit by one of `ExitCode`. Whatever goes wrong on purpose ends in
    one line on stderr, without a traceback and without a password."""
    try:
        _command().main(prog_name="llmbus")
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except Exception as error:
        sys.exit(_report(error))
    sys.exit(ExitCode.OK)


def _command() -> LazyGroup:
    group = cast(LazyGroup, typer.main.get_command(_app))
    for command in _COMMANDS:
        group.add_command(command)
    return group


def _report(error: Exception) -> ExitCode:
    known = llmbus_error_in(_as_configuration_error(error))
    if known is None:
        traceback.print_exception(error)
        return ExitCode.BUG
    typer.echo(f"llmbus: {describe(known)}", err=True)
    return exit_code(known)


def _as_configuration_error(error: Exception) -> Exception:
    # Imported only now: nothing of this is needed to print a help text.
    from pydantic import ValidationError

    from llmbus.shared.settings import configuration_error

    return configuration_error(error) if isinstance(error, ValidationError) else error
