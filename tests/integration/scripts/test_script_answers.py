"""What a script says: read as meant, kept where it was paid for, shown without secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmbus.shared import ExecutionStatus, FailureKind
from llmbus.shared.result import Usage
from llmbus.worker.subprocess_path import ScriptProblem
from llmbus.worker.subprocess_path.redaction import Redaction
from tests.support.script_runs import ANSWER, GOOD, Scripts, problem


def printing(answer: dict[str, Any], then: str = "pass") -> str:
    return f"print({json.dumps(answer)!r}, flush=True); {then}"


async def test_null_is_as_good_as_nothing(scripts: Scripts) -> None:
    nothing = dict.fromkeys(("error", "model", "provider", "prompt_tokens", "usage", "failure"))
    result = (await scripts.run(printing(ANSWER | nothing))).result
    assert (result.status, result.output, result.usage) == ("success", "Paris.", None)


async def test_answer_is_given_as_it_came(scripts: Scripts) -> None:
    text = "Send `Authorization: Bearer $TOKEN`, a key looks like sk-proj-0123456789.\a"
    result = (await scripts.run(printing(ANSWER | {"output": text}))).result
    assert (result.status, result.output) == ("success", text)


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ("raise SystemExit(1)", ScriptProblem.WRONG_EXIT_CODE),
        ("import os; os.abort()", ScriptProblem.KILLED_BY_SIGNAL),
        ("import sys; print('x' * 10**6, file=sys.stderr)", ScriptProblem.OUTPUT_LIMIT),
    ],
)
async def test_what_was_paid_for_stays_in_the_failed_result(
    scripts: Scripts, then: str, expected: ScriptProblem
) -> None:
    answer = ANSWER | {"model": "gpt-4o", "prompt_tokens": 7, "completion_tokens": 2}
    end = await scripts.run(printing(answer, then))
    assert problem(end) is expected
    assert (end.result.output, end.result.usage) == ("Paris.", Usage(7, 2))
    assert end.result.metadata["model"] == "gpt-4o"


async def test_what_is_no_answer_is_kept_as_it_was_printed(scripts: Scripts) -> None:
    end = await scripts.run(f"{GOOD}; print('Done.')")
    assert problem(end) is ScriptProblem.GARBAGE
    assert "Paris." in end.result.output
    assert end.result.output.endswith("Done.\n")


@pytest.mark.parametrize("indent", [None, 2])
async def test_refusal_of_a_bad_task_is_found_on_stderr(
    scripts: Scripts, indent: int | None
) -> None:
    refusal = json.dumps({"status": "failed", "error": "title is required"}, indent=indent)
    code = (
        "import sys\n"
        f"print('DeprecationWarning: {{old}}', {refusal!r}, sep='\\n', file=sys.stderr)\n"
        "raise SystemExit(3)"
    )
    end = await scripts.run(code)
    assert end.result.failure is not None
    assert (end.result.failure.kind, end.result.error) == (
        FailureKind.REJECTED,
        "title is required",
    )
    assert "script_problem" not in end.result.metadata


async def test_silent_script_is_told_with_its_last_words(scripts: Scripts) -> None:
    end = await scripts.run("import a_module_that_is_nowhere")
    assert problem(end) is ScriptProblem.NO_ANSWER
    assert "No module named 'a_module_that_is_nowhere'" in end.result.error
    assert "ended with 1" in end.result.error


async def test_failure_object_of_a_script_is_kept(scripts: Scripts) -> None:
    failure = {"kind": "rate_limited", "message": "slow down", "retryable": True}
    answer = {"status": "failed", "error": "slow down", "failure": failure}
    result = (await scripts.run(printing(answer, "raise SystemExit(1)"))).result
    assert result.failure is not None
    assert (result.failure.kind, result.failure.retryable) == (FailureKind.RATE_LIMITED, True)


async def test_pending_is_an_answer(scripts: Scripts) -> None:
    result = (await scripts.run(printing({"status": "pending", "output": "Use it"}))).result
    assert (result.status, result.output) == (ExecutionStatus.PENDING, "Use it")


async def test_configuration_that_names_neither_is_the_script_s(scripts: Scripts) -> None:
    answer = {"status": "failed", "error": "the settings are wrong"}
    result = (await scripts.run(printing(answer, "raise SystemExit(2)"))).result
    assert result.failure is not None
    assert result.failure.kind is FailureKind.SCRIPT


SECRETS = {
    "OPENAI_API_KEY": "never-shaped-like-a-key",
    "HTTPS_PROXY": "http://me:pass%40word-1@proxy:3128",
}


@pytest.mark.parametrize(
    "code",
    [
        "print(key * 3)",
        "print('x' * 190 + key)",
        "print('x', file=sys.stderr); print(key, file=sys.stderr)",
        "print(key + 'y' * 4090, file=sys.stderr)",
        "print(json.dumps({'status': 'failed', 'error': key, 'output': key,"
        " 'metadata': {'a': [key]}, 'failure': {'kind': 'account', 'message': key,"
        " 'provider_code': key}})); raise SystemExit(1)",
        "print(json.dumps({'status': 'success', 'output': key})); raise SystemExit(1)",
        "print(json.dumps({'status': key}))",
        "print(json.dumps({'status': 'success', 'output': '', 'task_id': key}))",
        "raise ValueError(key)",
    ],
)
@pytest.mark.parametrize("secret", ["never-shaped-like-a-key", "pass@word-1", "pass%40word-1"])
async def test_secret_is_repeated_nowhere(scripts: Scripts, code: str, secret: str) -> None:
    scripts.environment |= SECRETS
    end = await scripts.run(f"import json, sys\nkey = {secret!r}\n{code}")
    assert end.result.status is ExecutionStatus.FAILED
    assert not any(part in repr(end) for part in (secret, secret[:9], secret[-9:]))


async def test_what_steers_a_terminal_is_made_harmless(scripts: Scripts) -> None:
    code = (
        "import json, sys\nprint('\\x1b[2J\\u202egood', file=sys.stderr)\n"
        "print(json.dumps({'status': 'failed', 'error': 'a\\x1b[31mb'})); raise SystemExit(1)"
    )
    end = await scripts.run(code)
    assert "\x1b" not in end.stderr_tail + end.result.error
    assert "\u202e" not in end.stderr_tail
    assert "good" in end.stderr_tail


def test_longer_secret_is_not_uncovered_by_a_shorter_one() -> None:
    redaction = Redaction(["password", "password-and-more", "none"])
    assert redaction.clean("password-and-more, none") == "<key>, none"
