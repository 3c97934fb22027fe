"""Runs the model for as many steps as are wanted: `make model STEPS=100000`.

Every round has a seed of its own. What it finds is shrunk and printed as a history;
`make model SEED=7` repeats that round.
"""

from __future__ import annotations

import argparse
import logging
import time
from itertools import count

import hypothesis
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import TaskBus

_HISTORIES_A_ROUND = 200


def main() -> None:
    options = _options()
    logging.disable(logging.CRITICAL)  # defects of a killed worker's last moments, for example
    seeds = count(options.first) if options.seed is None else [options.seed]
    began = time.monotonic()
    for seed in seeds:
        print(f"seed {seed}", end="", flush=True)
        _run(seed, options.length)
        steps = TaskBus.counts.total()
        print(f": {steps} steps, {steps / (time.monotonic() - began):.0f} a second", flush=True)
        if steps >= options.steps:
            break
    for name, number in TaskBus.counts.most_common():
        print(f"{number:8}  {name.replace('_', ' ')}")


def _run(seed: int, length: int) -> None:
    wanted = settings(
        max_examples=_HISTORIES_A_ROUND,
        stateful_step_count=length,
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(hypothesis.seed(seed)(TaskBus), settings=wanted)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--steps", type=int, default=20_000, help="end after so many")
    parser.add_argument("--length", type=int, default=50, help="of one history, at most")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="only this one")
    return parser.parse_args()


if __name__ == "__main__":
    main()
