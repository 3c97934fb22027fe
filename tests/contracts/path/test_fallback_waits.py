"""A task that has to wait on its second way goes on there, and not from its beginning."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

from llmbus.shared.store.claims import Claimant, Claimed
from llmbus.worker.events import TaskDeferred, TaskSentToFallback
from tests.contracts.path.scene import PATIENCE_SECONDS, Scene, task
from tests.support.script_folder import GOOD, ScriptFolder
from tests.support.waiting import eventually

GONE = Claimant(task_id="t1", submission="another", attempt=1, holder="gone", run_id="gone")


async def is_taken_by_a_worker_that_is_gone(scene: Scene) -> bool:
    answer = await scene.store.claim(GONE, timedelta(seconds=1), timedelta(minutes=1))
    return isinstance(answer, Claimed)


async def test_task_that_another_run_holds_comes_back_to_the_fallback_and_not_to_its_lane(
    scene: Scene, tmp_path: Path
) -> None:
    folder = ScriptFolder(tmp_path)
    folder.write(GOOD)
    async with scene.store, scene.producer() as producer, scene.worker():
        handle = await producer.submit(task(metadata={"use_direct_llm": False}))
        await scene.events.wait_for(TaskSentToFallback)
        await eventually(partial(is_taken_by_a_worker_that_is_gone, scene), "the task is free")
        async with scene.fallback(folder.settings(), worker_id="fallback"):
            await scene.events.wait_for(TaskDeferred)
            result = await handle.wait(PATIENCE_SECONDS)
    assert (result.output, result.worker_id) == ("by the script", "fallback")
    assert result.metadata["fallback_reason"] == "use_direct_llm"
    assert len(scene.events.of(TaskSentToFallback)) == 1


async def test_task_that_is_handed_over_to_an_idle_fallback_does_not_wait(
    scene: Scene, tmp_path: Path
) -> None:
    folder = ScriptFolder(tmp_path)
    folder.write(GOOD)
    tasks = [task(f"t{number}", metadata={"use_direct_llm": False}) for number in range(8)]
    scripts = folder.settings(fallback_concurrency=len(tasks))
    async with scene.store, scene.producer() as producer, scene.worker(), scene.fallback(scripts):
        handles = [await producer.submit(each) for each in tasks]
        for handle in handles:
            await handle.wait(PATIENCE_SECONDS)
    assert scene.events.of(TaskDeferred) == []
