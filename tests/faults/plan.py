"""What one run does: drawn from a seed, the same every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from llmbus.shared import AgentTask, TaskPriority
from tests.faults.catalogue import CATALOGUE, FAMILIES
from tests.faults.fault import Fault, Whom
from tests.faults.programs import FALLBACK, WORKER
from tests.faults.steps import Step
from tests.faults.watched_provider import mark

__all__ = ["SLOTS", "Injection", "Plan"]

SLOTS: Final = 2
"""How many tasks one worker runs at once."""
_FEWEST_TASKS: Final = 4
_MOST_TASKS: Final = 9
_LATEST: Final = 4
_SHARE_WITH_TWO_FAULTS: Final = 0.25
_FALLBACKS: Final = 2
_FEWEST_SCRIPTS: Final = 2
"""Where a fault aims at the fallback."""
_SHARE_WITH_FALLBACK: Final = 0.1
"""Of the runs whose faults do not aim at it: each script costs the start of an interpreter."""


@dataclass(frozen=True)
class Injection:
    """One fault, and when: the `nth` time that anybody reaches `step`; None: before the tasks."""

    fault: str
    step: Step | None = None
    nth: int = 1

    def in_words(self) -> str:
        when = f"at {self.step} (time {self.nth})" if self.step else "from the start"
        return f"{self.fault} {when}: {CATALOGUE[self.fault].words}"


@dataclass(frozen=True)
class Plan:
    """A run, but for what is chance in the machine."""

    seed: int
    workers: int
    priorities: tuple[TaskPriority, ...]
    latency_seconds: float
    injections: tuple[Injection, ...]
    scripts: int = 0
    """How many of the tasks, the first ones, are to be answered by the fallback. None: it is not
    served."""

    @classmethod
    def from_seed(cls, seed: int, *, own_broker: bool = True, only: str | None = None) -> Plan:
        """`own_broker`: whether there is a node that may be harmed. `only`: names of faults, or
        their beginnings, separated by commas."""
        random = Random(seed)  # chance that must be the same every time, not secret
        families = [
            [fault for fault in family if _may_strike(fault, own_broker, only)]
            for family in FAMILIES
        ]
        families = [family for family in families if family]
        if not families:
            raise ValueError(f"no fault's name begins with {only!r}")
        count = 2 if random.random() < _SHARE_WITH_TWO_FAULTS else 1
        injections = tuple(_drawn(random, families) for _ in range(count))
        workers = random.randint(2, 3)
        tasks = random.randint(_FEWEST_TASKS, _MOST_TASKS)
        if any(CATALOGUE[each.fault].every_task_in_hand for each in injections):
            tasks = min(tasks, workers * SLOTS)
        return cls(
            seed=seed,
            workers=workers,
            priorities=tuple(random.choice(list(TaskPriority)) for _ in range(tasks)),
            latency_seconds=random.choice((0.02, 0.1, 0.3)),
            injections=injections,
            scripts=_drawn_scripts(random, injections),
        )

    @property
    def stops(self) -> frozenset[Step]:
        """Where programs must wait for us."""
        return frozenset(each.step for each in self.injections if each.step is not None)

    @property
    def needs_own_broker(self) -> bool:
        return any(CATALOGUE[each.fault].own_broker for each in self.injections)

    @property
    def worker_names(self) -> Sequence[str]:
        return [f"{WORKER}{number + 1}" for number in range(self.workers)]

    @property
    def fallback_names(self) -> Sequence[str]:
        return [f"{FALLBACK}{number + 1}" for number in range(_FALLBACKS if self.scripts else 0)]

    def tasks(self) -> list[AgentTask]:
        """What the orchestrator submits."""
        return [
            AgentTask(
                task_id=f"t{number + 1}",
                title=f"Task {number + 1}",
                description=mark(f"t{number + 1}"),
                agent="gpt-4",
                priority=priority,
                metadata={"use_direct_llm": False} if number < self.scripts else {},
            )
            for number, priority in enumerate(self.priorities)
        ]

    def in_words(self) -> str:
        faults = "; ".join(each.in_words() for each in self.injections)
        tasks = f"{len(self.priorities)} tasks"
        tasks += f" ({self.scripts} for scripts)" if self.scripts else ""
        return (
            f"{tasks}, {self.workers} workers of {SLOTS} slots, answers"
            f" after {self.latency_seconds:g} s; {faults}"
        )


def _may_strike(fault: Fault, own_broker: bool, only: str | None) -> bool:
    wanted = fault.name.startswith(tuple((only or "").split(",")))
    return wanted and (own_broker or not fault.own_broker)


def _drawn(random: Random, families: Sequence[Sequence[Fault]]) -> Injection:
    fault = random.choice(random.choice(families))
    if not fault.steps:
        return Injection(fault.name)
    latest = _FEWEST_SCRIPTS if fault.whom is Whom.FALLBACK else _LATEST
    return Injection(fault.name, random.choice(fault.steps), random.randint(1, latest))


def _drawn_scripts(random: Random, injections: Sequence[Injection]) -> int:
    faults = [CATALOGUE[each.fault] for each in injections]
    if any(fault.every_task_in_hand for fault in faults):
        return 0
    if any(fault.whom is Whom.FALLBACK for fault in faults):
        return random.randint(_FEWEST_SCRIPTS, _FEWEST_TASKS)
    return random.randint(1, 2) if random.random() < _SHARE_WITH_FALLBACK else 0
