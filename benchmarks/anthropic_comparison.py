"""`python -m benchmarks.anthropic_comparison`: both paths of `TaskExecutor` to Claude models."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])  # run as a file, it finds its own folder only
    from benchmarks.executor_program import run

    sys.exit(run("anthropic_comparison", ["anthropic"]))
