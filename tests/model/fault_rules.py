"""What strikes workers, broker and store."""

from __future__ import annotations

from hypothesis.stateful import precondition

from tests.model.steps import ModelMachine, one_of, step, which
from tests.model.workers import CLAIM_SECONDS, WorkerProcess

__all__ = ["FaultRules"]

_MOST_WORKERS = 3


class FaultRules(ModelMachine):
    """Workers come and go, connections break, the broker or the store is away."""

    @precondition(lambda self: len(self.living) < _MOST_WORKERS)
    @step()
    def start(self) -> None:
        self.tell(f"{self.world.start_worker().name} is started")

    @precondition(lambda self: self.living)
    @step(number=which)
    def kill(self, number: int) -> None:
        worker = one_of(self.living, number)
        self.tell(f"{worker.name} is killed")
        self.world.act(worker.kill)

    @precondition(lambda self: self.serving)
    @step(number=which)
    def freeze(self, number: int) -> None:
        worker = one_of(self.serving, number)
        self.tell(f"{worker.name} freezes")
        self.world.act(worker.freeze)

    @precondition(lambda self: self.serving and self.world.broker.is_reachable)
    @step(number=which)
    def freeze_beyond_its_claim(self, number: int) -> None:
        worker = one_of(self.serving, number)
        self.tell(f"{worker.name} freezes, its connection is closed and its claims lapse")
        self.world.act(worker.freeze)
        self.world.lose_connection(worker)
        self.world.advance(CLAIM_SECONDS + 1)

    @precondition(lambda self: self.frozen)
    @step(number=which)
    def thaw(self, number: int) -> None:
        worker = one_of(self.frozen, number)
        self.tell(f"{worker.name} thaws")
        self.world.act(worker.thaw)

    @precondition(lambda self: self.serving)
    @step(number=which)
    def drain(self, number: int) -> None:
        worker = one_of(self.serving, number)
        self.tell(f"{worker.name} drains")
        self.world.act(worker.drain)

    @precondition(lambda self: self.world.broker.is_reachable)
    @step()
    def drop_connections(self) -> None:
        self.tell("every connection breaks")
        self.world.drop_connections()

    @precondition(lambda self: self.living and self.world.broker.is_reachable)
    @step(number=which)
    def lose_connection(self, number: int) -> None:
        worker = one_of(self.living, number)
        self.tell(f"the connection of {worker.name} breaks")
        self.world.lose_connection(worker)

    @step()
    def pause_or_resume_the_broker(self) -> None:
        if self.world.broker.is_reachable:
            self.tell("the broker is away")
            self.world.pause_broker()
        else:
            self.tell("the broker is back")
            self.world.resume_broker()

    @step()
    def lose_or_find_the_store(self) -> None:
        if self.world.shelf.is_reachable:
            self.tell("the store is away")
            self.world.lose_store()
        else:
            self.tell("the store is back")
            self.world.find_store()

    @step()
    def empty_the_store(self) -> None:
        self.tell("the store loses everything")
        self.world.empty_store()

    @property
    def living(self) -> list[WorkerProcess]:
        return [worker for worker in self.world.workers if not worker.is_over]

    @property
    def serving(self) -> list[WorkerProcess]:
        return [worker for worker in self.world.workers if worker.is_serving]

    @property
    def frozen(self) -> list[WorkerProcess]:
        return [worker for worker in self.living if worker.process.is_frozen]
