"""The old way to run a task: the script of its agent type, as a process of its own."""

from llmbus.worker.subprocess_path.problems import ScriptProblem
from llmbus.worker.subprocess_path.runner import ScriptEnd, ScriptRunner
from llmbus.worker.subprocess_path.settings import ScriptSettings

__all__ = ["ScriptEnd", "ScriptProblem", "ScriptRunner", "ScriptSettings"]
