"""Ask a server of one's own: one task on stdin, one answer on stdout (docs/scripts.md). Deprecated."""

import sys

if __name__ == "__main__":
    sys.stdout = sys.stderr  # what prints while it is imported must not spoil the answer
    try:
        from llmbus.shared.agents import AgentType
        from llmbus.worker.llm_execution.task_script import TaskScript
    except (ImportError, SyntaxError) as error:
        sys.stderr.write(
            f"{sys.executable} cannot import llmbus ({error}): install it there (pip install"
            " llmbus), or run this script by the Python that has it\n"
        )
        sys.exit(2)
    sys.exit(TaskScript((AgentType.CUSTOM, AgentType.META_LLAMA)).run())
