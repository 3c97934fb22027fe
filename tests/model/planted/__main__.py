"""Proves that the model finds faults: plants them in the product one by one, each in a process of
its own, and tells after how many steps it was found and as what. `--one` shows a whole history.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import runpy
import sys
import time

from tests.model.planted.catalogue import FAULTS
from tests.model.planted.planting import PlantedFault, plant

_FOUND = re.compile(r"^seed \d+, after (\d+) steps, \d+ a second: (.*)$", re.MULTILINE)


def main() -> int:
    options = _options()
    if options.one is None:
        named = [fault for fault in FAULTS if all(word in fault.name for word in options.words)]
        wanted = [fault for fault in named if not fault.hidden]
        for fault in named:
            if fault.hidden:
                print(f"cannot show  {fault.name}: {fault.hidden}")
        found = asyncio.run(  # noqa: TID251  the program's entry point
            _look_for_all(wanted, options.steps, options.jobs)
        )
        print(f"{sum(found)} of {len(found)} were found")
        return 0 if all(found) else 1
    plant(next(fault for fault in FAULTS if fault.name == options.one))
    sys.argv = ["tests.model", "--steps", str(options.steps)]
    runpy.run_module("tests.model", run_name="__main__", alter_sys=True)
    return 0


async def _look_for_all(faults: list[PlantedFault], steps: int, jobs: int) -> list[bool]:
    free = asyncio.Semaphore(jobs)

    async def look_for(fault: PlantedFault) -> bool:
        async with free:
            return await _is_found(fault, steps)

    return await asyncio.gather(*map(look_for, faults))


async def _is_found(fault: PlantedFault, steps: int) -> bool:
    began = time.monotonic()
    command = ["-m", "tests.model.planted", "--one", fault.name, "--steps", str(steps)]
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await child.communicate())[0].decode()
    found = _FOUND.search(output)
    after, what = found.groups() if found else ("-", f"NOT FOUND\n{output[-1000:]}")
    seconds = time.monotonic() - began
    print(f"{after:>7} steps {seconds:5.0f} s  {fault.name}: {what}", flush=True)
    return found is not None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.model.planted", description=__doc__)
    parser.add_argument("words", nargs="*", help="only faults with these words in their names")
    parser.add_argument("--steps", type=int, default=50_000, help="in which to find each")
    parser.add_argument("--jobs", type=int, default=1, help="so many processes at once")
    parser.add_argument("--one", help="only this one, with its history")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
