"""Every key in Redis: its name, its type and how long it lives.

| key                              | type       | lives                                          |
|----------------------------------|------------|------------------------------------------------|
| `<prefix>:{fleet}:workers`       | sorted set | as long as the last of the entries it lists    |
| `<prefix>:{fleet}:worker:<id>`   | hash       | the lifetime of the announcement: seconds      |
| `<prefix>:{task:<id>}:claim`     | hash       | the claim's lifetime since it was last renewed |
| `<prefix>:{task:<id>}:ledger`    | hash       | the ledger's life since the last sign of life, |
|                                  |            | and no shorter than claim and result           |
| `<prefix>:{task:<id>}:result`    | hash       | as long as its result shall be kept            |
| `<prefix>:{task:<id>}:cancel`    | hash       | as long as the last request shall be kept      |
| `<prefix>:late_results`          | sorted set | 7 days since the last refusal                  |

Every key expires, so whatever dies leaves nothing behind. What stands in braces makes a Redis
Cluster keep the keys that one script touches in one slot.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Keys"]


@dataclass(frozen=True)
class Keys:
    """The keys of one deployment. Two prefixes never meet."""

    prefix: str

    @property
    def workers(self) -> str:
        """Worker ids, scored by the moment they expire: milliseconds of the server's clock."""
        return f"{self.prefix}:{{fleet}}:workers"

    @property
    def worker_prefix(self) -> str:
        """What precedes a worker's id in the name of its key."""
        return f"{self.prefix}:{{fleet}}:worker:"

    def worker(self, worker_id: str) -> str:
        """The announcement of one worker, field by field, each as JSON."""
        return f"{self.worker_prefix}{worker_id}"

    def claim(self, task_id: str) -> str:
        """`token`, `holder`, `submission` and `attempt` of the run that has the task. While the
        key exists, the run counts as alive."""
        return self._of_task(task_id, "claim")

    def ledger(self, task_id: str) -> str:
        """The highest tokens: `last` given, `ended` in order, `finished` with a result; and
        `run:<token>` with the run id of every start that is still open; and
        `passed:<submission>`: the attempt of it that was passed on last."""
        return self._of_task(task_id, "ledger")

    def result(self, task_id: str) -> str:
        """`body`, `content_type`, `submission` and `succeeded` (1 or 0); and `of:<submission>` for
        failures that made room for a later submission's run: content type, space, body."""
        return self._of_task(task_id, "result")

    def cancel(self, task_id: str) -> str:
        """`all`, or `of:<submission>`: when (milliseconds of the server's clock), space, why."""
        return self._of_task(task_id, "cancel")

    def of_task(self, task_id: str) -> list[str]:
        """The four keys of a task, in the order in which every script takes them."""
        return [
            self.claim(task_id),
            self.ledger(task_id),
            self.result(task_id),
            self.cancel(task_id),
        ]

    @property
    def late_results(self) -> str:
        """`<task id> <token>` of every refused result, scored by when it is no longer counted."""
        return f"{self.prefix}:late_results"

    def _of_task(self, task_id: str, part: str) -> str:
        # The word before the id keeps the hash tag from being empty when the id begins with a
        # brace: an empty tag would count for nothing, and the keys would fall into several slots.
        return f"{self.prefix}:{{task:{task_id}}}:{part}"
