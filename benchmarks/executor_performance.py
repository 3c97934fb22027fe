"""`python -m benchmarks.executor_performance`: both paths of `TaskExecutor`, provider by
provider."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])  # run as a file, it finds its own folder only
    from benchmarks.executor_program import run

    sys.exit(run("executor_performance"))
