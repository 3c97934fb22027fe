"""Everything of one run of the model: one event loop, one broker, one store, some workers."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, Final

from llmbus.shared import AgentTask, AgentType
from llmbus.shared.bus.interface import Message
from llmbus.shared.bus.memory import MemoryBus
from llmbus.shared.codec import encode_task
from llmbus.shared.envelope import RequestedAgent, submission_of
from llmbus.shared.ladder import RetryLadder
from llmbus.shared.store.claims import CancelNoted
from llmbus.shared.task_messages import task_message
from llmbus.shared.topology import Layout
from tests.model.held_calls import HeldCalls
from tests.model.journal import Journal, Span
from tests.model.loop_clock import LoopClock
from tests.model.operators import OperatorProcess
from tests.model.process import make_task
from tests.model.process_bus import WatchedBroker
from tests.model.process_store import Shelf
from tests.model.workers import LANE, WorkerProcess
from tests.support.virtual_time import VirtualTimeLoop

__all__ = ["World"]

_AGENT: Final = RequestedAgent(AgentType(LANE))
_TURNS_TO_SETTLE: Final = 5


class World:
    """Rules of the model act on it between two moments; time passes only by `advance`."""

    def __init__(self) -> None:
        self.loop = VirtualTimeLoop()
        self.loop.set_task_factory(make_task)
        self.clock = LoopClock(self.loop)
        self.layout = Layout(ladder=RetryLadder((timedelta(seconds=1), timedelta(seconds=4))))
        self.journal = Journal()
        self.workers: list[WorkerProcess] = []
        self.operators: list[OperatorProcess] = []
        self.submitted: dict[str, list[Message]] = {}
        """By task id: what the orchestrator sent."""
        self._started = 0
        self._submissions = 0
        self._run(self._set_up())

    @property
    def now(self) -> float:
        return self.loop.time()

    def moment(self, moment: datetime) -> float:
        """When that is by the loop's clock."""
        return self.now + (moment - self.clock.now()).total_seconds()

    def tell(self, sentence: str) -> None:
        self.journal.tell(self.now, sentence)

    @property
    def living(self) -> list[WorkerProcess]:
        return [worker for worker in self.workers if not worker.is_over]

    @property
    def serving(self) -> list[WorkerProcess]:
        return [worker for worker in self.workers if worker.is_serving]

    @property
    def draining(self) -> list[WorkerProcess]:
        return [worker for worker in self.living if worker.is_draining]

    @property
    def frozen(self) -> list[WorkerProcess]:
        return [worker for worker in self.living if worker.process.is_frozen]

    def start_worker(self) -> WorkerProcess:
        self._started += 1

        async def start() -> WorkerProcess:
            return WorkerProcess(
                f"worker {self._started}",
                self.broker,
                self.shelf,
                self.calls,
                self.layout,
                self.clock,
                self.journal,
            )

        worker: WorkerProcess = self._run(start())
        self.workers.append(worker)
        return worker

    def submit(self, task_id: str, **fields: Any) -> None:
        """A submission of its own."""
        self._submissions += 1
        now = self.clock.now() + timedelta(microseconds=self._submissions)
        task = AgentTask(
            task_id, title="One of the model's", description="Say hello.", agent=LANE, **fields
        )
        message = task_message(
            task, encode_task(task), agent=_AGENT, reply_to="orchestrator", now=now
        )
        self.submitted.setdefault(task_id, []).append(message)
        self.publish(message)

    def publish(self, message: Message) -> None:
        """By an orchestrator that reaches the broker at once."""
        self.act(self.broker.publish, self.layout.tasks, LANE, message)

    def cancel(self, task_id: str) -> None:
        """The latest submission of this task."""
        submission = submission_of(self.submitted[task_id][-1]) or ""
        keep = timedelta(days=1)
        asking = self.shelf.content.request_cancel(
            task_id, "no longer wanted", keep, submission=submission
        )
        answer = self._run(asking)
        self.tell(f"    the store says: {answer}")
        if isinstance(answer, CancelNoted):
            self.journal.cancelled.setdefault((task_id, submission), self.now)

    def redrive(self) -> None:
        async def begin() -> OperatorProcess:
            return OperatorProcess(self.broker, self.layout, self.clock, self.journal)

        self.operators.append(self._run(begin()))

    def drop_connections(self) -> None:
        self.act(self.broker.drop_connections)

    def lose_connection(self, worker: WorkerProcess) -> None:
        self.act(worker.lose_connection)

    def pause_broker(self) -> None:
        self.journal.broker_away.append(Span(self.now))
        self.act(self.broker.pause)

    def resume_broker(self) -> None:
        self.journal.broker_away[-1].end = self.now
        self.act(self.broker.resume)

    def begin_alarm(self) -> None:
        self.journal.alarms.append(Span(self.now))
        self.act(self.broker.alarm.begin)

    def end_alarm(self) -> None:
        self.journal.alarms[-1].end = self.now
        self.act(self.broker.alarm.end)

    def lose_store(self) -> None:
        self.shelf.is_reachable = False
        self.journal.away.append(Span(self.now))

    def find_store(self) -> None:
        self.shelf.is_reachable = True
        self.journal.away[-1].end = self.now

    def empty_store(self) -> None:
        self._run(self.shelf.empty())
        self.journal.emptied.append(self.now)

    def act(self, action: Any, *arguments: Any) -> None:
        """Do something that needs the running loop."""

        async def do() -> None:
            action(*arguments)

        self._run(do())

    def advance(self, seconds: float) -> None:
        self._run(asyncio.sleep(seconds))

    def settle(self) -> None:
        """Let happen what happens at once."""

        async def some_turns() -> None:
            for _ in range(_TURNS_TO_SETTLE):
                await asyncio.sleep(0)

        self._run(some_turns())

    def close(self) -> None:
        """Leave no task behind."""
        for worker in self.living:
            self.act(worker.process.kill)
        for operator in self.operators:
            self.act(operator.process.kill)
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self.loop.run_until_complete(asyncio.wait(tasks))
        self.loop.close()

    async def _set_up(self) -> None:
        self.broker = WatchedBroker(self.layout, self.journal)
        self.shelf = Shelf(self.clock)
        self.calls = HeldCalls(self.journal)
        await self.shelf.__aenter__()
        bus = MemoryBus(self.broker)
        await bus.__aenter__()  # stays: queues outlive their last user only so
        topology = self.layout.for_tasks([LANE]) + self.layout.for_results("orchestrator")
        await bus.declare(topology)

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)
