"""Every error has its exit code and its line."""

from __future__ import annotations

import re

import pytest

from llmbus.ops.cli import exit_codes
from llmbus.ops.cli.exit_codes import ExitCode, describe, exit_code, llmbus_error_in
from llmbus.shared import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidTaskError("x"), 65),
        (errors.BodyTooLargeError("x"), 65),
        (errors.BrokerUnreachableError("x"), 69),
        (errors.ClosedError("x"), 70),
        (errors.StoreUnreachableError("x"), 74),
        (errors.PublishRefusedError("x"), 75),
        (errors.PublishUnknownError("x"), 75),
        (errors.TopologyMismatchError("x"), 76),
        (errors.BrokerLoginError("x"), 77),
        (errors.ConfigurationError("x"), 78),
        (errors.BrokerVhostError("x"), 79),
        (errors.StoreLoginError("x"), 80),
        (errors.UnroutableError("x"), 81),
    ],
)
def test_each_kind_of_error_has_its_code(error: errors.LlmbusError, code: int) -> None:
    assert exit_code(error) == code


def test_the_documented_codes_are_the_codes() -> None:
    documented = re.findall(r"^\| +(\d+) \|", exit_codes.__doc__ or "", re.MULTILINE)
    assert [int(code) for code in documented] == [code.value for code in ExitCode]


def test_the_setting_is_named_once() -> None:
    assert describe(errors.BrokerLoginError("refused")) == "refused (set LLMBUS_AMQP_URL)"
    named = "refused: see LLMBUS_AMQP_URL"
    assert describe(errors.BrokerLoginError(named)) == named


def test_the_text_is_one_line_and_never_empty() -> None:
    assert describe(errors.UnroutableError("a\n  b\r\nc")) == "a b c"
    assert describe(errors.ClosedError()) == "ClosedError"


def test_an_error_is_found_inside_of_task_groups() -> None:
    lost = errors.BrokerUnreachableError("lost")
    nested = ExceptionGroup("outer", [ExceptionGroup("inner", [lost])])
    assert llmbus_error_in(nested) is lost


def test_an_error_of_ours_hides_no_other_in_its_group() -> None:
    group = ExceptionGroup("both", [errors.BrokerUnreachableError("lost"), RuntimeError("bug")])
    assert llmbus_error_in(group) is None
