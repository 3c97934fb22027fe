"""Runs the model for as many steps as are wanted: `make model STEPS=100000`.

Every history has a seed of its own. What it finds is made short and simple and is told as a story;
`make model SEED=7` repeats that history.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from itertools import count

from tests.model.history import History
from tests.model.shrinking import shrunk
from tests.model.walk import walked

_SAY_EVERY = 500


def main() -> int:
    options = _options()
    logging.disable(logging.CRITICAL)  # defects of a killed worker's last moments, for example
    began = time.monotonic()
    for seed in count(options.first) if options.seed is None else [options.seed]:
        happenings, broken = walked(seed, options.length)
        steps = History.counts.total()
        speed = f"{steps} steps, {steps / (time.monotonic() - began):.0f} a second"
        if broken is not None:
            print(f"seed {seed}, after {speed}: {'; '.join(broken.broken)}", flush=True)
            print(f"\nThe shortest that was found: {shrunk(happenings, broken)}")
            return 1
        if steps >= options.steps or seed % _SAY_EVERY == 0:
            print(f"seed {seed}: {speed}", flush=True)
        if steps >= options.steps:
            break
    for name, number in History.counts.most_common():
        print(f"{number:8}  {name}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--steps", type=int, default=20_000, help="end after so many")
    parser.add_argument("--length", type=int, default=50, help="of one history, at most")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="only this one")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
