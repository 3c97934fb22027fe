"""Ask Claude: a task on stdin, an answer on stdout (docs/scripts.md). Deprecated."""

import sys

if __name__ == "__main__":
    sys.stdout = sys.stderr  # what prints while it is imported must not spoil the answer
    try:
        from llmbus.shared.agents import AgentType
        from llmbus.worker.llm_execution.task_script import TaskScript
    except (ImportError, SyntaxError) as error:
        print(
            f"{sys.executable} cannot import llmbus ({error}): install it there (pip install"
            " llmbus), or run this script by the Python that has it",
            file=sys.stderr,
        )
        sys.exit(2)
    sys.exit(TaskScript((AgentType.ANTHROPIC_CLAUDE,), interactive_unless_api=True).run())
