"""`python -m benchmarks.validate_all_providers`: does every provider answer, on both paths?"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])  # run as a file, it finds its own folder only
    from benchmarks.provider_program import run

    sys.exit(run())
