"""The lines of the prompt are a contract with what the old system sent."""

from typing import Any

import pytest

from llmbus.shared import AgentTask
from llmbus.worker.prompt import build_messages


def a_task(**changes: Any) -> AgentTask:
    return AgentTask(
        task_id="T-1", title="Parser", description="Write it.", agent="gpt-4", **changes
    )


def user_text(task: AgentTask) -> str:
    return str(build_messages(task)[1]["content"])


def test_there_are_a_system_and_a_user_message() -> None:
    assert [message["role"] for message in build_messages(a_task())] == ["system", "user"]


def test_system_message_names_the_task() -> None:
    assert build_messages(a_task())[0]["content"] == (
        "You are an AI agent executing a specific task for project orchestration.\n"
        "\n"
        "Task ID: T-1\n"
        "Title: Parser\n"
        "Agent: gpt-4\n"
        "\n"
        "Your goal is to complete the task according to the specifications."
    )


def test_user_message_of_a_bare_task_holds_the_description_alone() -> None:
    assert user_text(a_task()) == "Please complete the following task:\n\nWrite it."


def test_user_message_lists_everything_in_order() -> None:
    task = a_task(
        deliverables=["parser.py", "tests"],
        success_criteria=["green"],
        metadata={"context": "Old code is in C."},
    )
    assert user_text(task) == (
        "Please complete the following task:\n"
        "\n"
        "Write it.\n"
        "\n"
        "Expected Deliverables:\n"
        "- parser.py\n"
        "- tests\n"
        "\n"
        "Success Criteria:\n"
        "- green\n"
        "\n"
        "Context:\n"
        "Old code is in C."
    )


def test_context_that_is_not_a_text_is_shown_as_json() -> None:
    text = user_text(a_task(metadata={"context": {"language": "Zürich"}}))
    assert text.endswith('Context:\n{\n  "language": "Zürich"\n}')


@pytest.mark.parametrize("empty", ["", None, {}, []])
def test_empty_context_is_left_out(empty: object) -> None:
    assert "Context:" not in user_text(a_task(metadata={"context": empty}))
