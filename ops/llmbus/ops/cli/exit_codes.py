"""How the `llmbus` command ends, and what its last line says. Scripts may rely on the numbers.

|  code | meaning                                                                             |
|-------|-------------------------------------------------------------------------------------|
|     0 | it worked                                                                           |
|     1 | the answer is no: tasks failed (`run`) or had ended before (`cancel`), no worker    |
|       | lives here (`health`), something stays in parking (`parking`)                       |
|     2 | the command line is wrong                                                           |
|    65 | the input (a task, a task file, an id) is wrong                                     |
|    69 | the broker cannot be reached                                                        |
|    70 | an error in llmbus itself; please report it                                         |
|    74 | Redis cannot be reached                                                             |
|    75 | the broker refused a task, or did not confirm it in time: try again later           |
|    76 | a queue or exchange exists with other arguments than ours                           |
|    77 | the broker refused the user or the password                                         |
|    78 | a setting is wrong                                                                  |
|    79 | the virtual host does not exist, or the user may not use it                         |
|    80 | Redis refused the user or the password                                              |
|    81 | no queue is bound for a task: no worker has served its lane yet                     |
|   130 | interrupted by Ctrl-C                                                               |
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, cast

from llmbus.shared import errors

__all__ = ["ExitCode", "describe", "exit_code", "llmbus_error_in"]


class ExitCode(IntEnum):
    """The table above."""

    OK = 0
    FAILED = 1
    USAGE = 2
    BAD_INPUT = 65
    BROKER_UNREACHABLE = 69
    BUG = 70
    STORE_UNREACHABLE = 74
    NOT_ACCEPTED = 75
    TOPOLOGY_MISMATCH = 76
    BROKER_LOGIN = 77
    WRONG_SETTING = 78
    BROKER_VHOST = 79
    STORE_LOGIN = 80
    UNROUTABLE = 81
    INTERRUPTED = 130


_CODES: Final[dict[type[BaseException], ExitCode]] = {
    errors.InvalidInputError: ExitCode.BAD_INPUT,
    errors.BrokerUnreachableError: ExitCode.BROKER_UNREACHABLE,
    errors.StoreUnreachableError: ExitCode.STORE_UNREACHABLE,
    errors.PublishRefusedError: ExitCode.NOT_ACCEPTED,
    errors.PublishUnknownError: ExitCode.NOT_ACCEPTED,
    errors.TopologyMismatchError: ExitCode.TOPOLOGY_MISMATCH,
    errors.BrokerLoginError: ExitCode.BROKER_LOGIN,
    errors.BrokerVhostError: ExitCode.BROKER_VHOST,
    errors.StoreLoginError: ExitCode.STORE_LOGIN,
    errors.UnroutableError: ExitCode.UNROUTABLE,
    errors.ConfigurationError: ExitCode.WRONG_SETTING,
}

_SETTINGS: Final[dict[type[BaseException], str]] = {
    errors.BrokerUnreachableError: "LLMBUS_AMQP_URL",
    errors.BrokerLoginError: "LLMBUS_AMQP_URL",
    errors.BrokerVhostError: "LLMBUS_AMQP_URL",
    errors.TopologyMismatchError: "LLMBUS_QUEUE_TYPE or LLMBUS_PREFIX",
    errors.StoreUnreachableError: "LLMBUS_REDIS_URL",
    errors.StoreLoginError: "LLMBUS_REDIS_URL",
}


def exit_code(error: errors.LlmbusError) -> ExitCode:
    """The code of the error's nearest class in the table."""
    return next((_CODES[kind] for kind in type(error).__mro__ if kind in _CODES), ExitCode.BUG)


def describe(error: errors.LlmbusError) -> str:
    """One line that names the setting to change, where a setting can help."""
    text = " ".join(str(error).split()) or type(error).__name__
    setting = _SETTINGS.get(type(error))
    return f"{text} (set {setting})" if setting and "LLMBUS_" not in text else text


def llmbus_error_in(error: BaseException) -> errors.LlmbusError | None:
    """The error itself, or the first of a group in which there is nothing but such errors."""
    if isinstance(error, errors.LlmbusError):
        return error
    if isinstance(error, BaseExceptionGroup):
        parts = cast("BaseExceptionGroup[BaseException]", error).exceptions
        found = [llmbus_error_in(part) for part in parts]
        return found[0] if all(found) else None
    return None
