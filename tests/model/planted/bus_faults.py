"""Faults in how deliveries are taken, held, published and given back."""

from __future__ import annotations

from typing import Final

from tests.model.planted.planting import PlantedFault

__all__ = ["BUS_FAULTS"]

_CONSUMER: Final = "llmbus.worker.consumer"
_HAND_OVER: Final = "llmbus.worker.hand_over"
_PUBLISH_COPY: Final = (
    "        await self._publisher.publish("
    "run, self._layout.retry(absence), run.return_key, copy)\n"
)
_REDRIVE: Final = "llmbus.ops.parking.redrive"

BUS_FAULTS: Final = (
    PlantedFault(
        "redeliveries are not adopted",
        _CONSUMER,
        "if run is not None:\n            run.adopt(delivery)",
        "if False:\n            run.adopt(delivery)",
    ),
    PlantedFault(
        "a copy is settled by the run that put it off",
        "llmbus.worker.settlement",
        "await run.ack(deferred)",
        "await run.ack()",
    ),
    PlantedFault(
        "a worker forgets what it has settled",
        _CONSUMER,
        "if self._runs.has_settled(key):",
        "if False:",
    ),
    PlantedFault(
        "a publish that was not confirmed is not repeated",
        "llmbus.worker.publishing",
        "                await asyncio.sleep(_PAUSE_SECONDS)\n            # Whatever",
        "                return None\n            # Whatever",
    ),
    PlantedFault(
        "long tasks are not handed over",
        _HAND_OVER,
        "if not overdue or run.answering:",
        "if True:",
    ),
    PlantedFault(
        "what waits for a slot is held for ever",
        _HAND_OVER,
        "self._return_overdue(after)",
        "pass",
    ),
    PlantedFault(
        "a hand-over acks before its copy is confirmed",
        _HAND_OVER,
        f"{_PUBLISH_COPY}        await run.ack(overdue)\n",
        f"        await run.ack(overdue)\n{_PUBLISH_COPY}",
    ),
    PlantedFault(
        "work is taken in an alarm",
        "llmbus.worker.health_watch",
        "if blocked and intake.is_open:",
        "if False:",
    ),
    PlantedFault(
        "a second signal is ignored",
        "llmbus.worker.worker",
        "consumer.interrupt()",
        "pass",
    ),
    PlantedFault(
        "a second signal interrupts what the first one began",
        "llmbus.worker.runs",
        "not run.answering and not run.work.cancelling()",
        "not run.answering",
    ),
    PlantedFault(
        "the grace time does not end",
        _CONSUMER,
        '        _say("grace_over", running=self.slots_used)\n        self.interrupt()',
        '        _say("grace_over", running=self.slots_used)',
    ),
    PlantedFault(
        "a redrive asks for the same again",
        "llmbus.shared.parking",
        "headers[REDRIVES] = redrives_of(message) + 1",
        "headers[REDRIVES] = redrives_of(message)",
    ),
    PlantedFault(
        "a redrive acks before its copy is confirmed",
        _REDRIVE,
        "            await parking.bus.publish(*step.route, copy)",
        "            await settled_by_ack(delivery)\n"
        "            await parking.bus.publish(*step.route, copy)\n"
        "            return step",
    ),
)
