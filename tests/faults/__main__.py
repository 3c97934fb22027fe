"""`python -m tests.faults --seeds 50`: many seeded runs, and a table of what came of them."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.faults.ground import Ground
from tests.faults.plan import Plan
from tests.faults.run import run


async def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--only")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    seeds = [options.seed] if options.seed else range(options.first, options.first + options.seeds)
    async with Ground() as ground:
        for seed in seeds:
            plan = Plan.from_seed(seed, only=options.only)
            folder = Path(tempfile.mkdtemp(prefix=f"faults-{seed}-"))
            finished = await run(plan, ground, folder)
            print(seed, f"{finished.seconds:.1f} s", plan.in_words(), finished.history, flush=True)
            if options.verbose:
                print("\n".join(event.in_words() for event in finished.events))
            print([each.in_words() for each in finished.not_reached])
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))  # noqa: TID251  the program's entry point
