"""What a script can do wrong, by real scripts in real processes: each is told apart, and the next
task is served."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from llmbus.shared import ExecutionStatus, FailureKind
from llmbus.shared.result import Usage
from llmbus.worker.subprocess_path import ScriptProblem
from tests.support.script_runs import ANSWER, GOOD, Scripts, problem, until


async def test_answer_becomes_a_result(scripts: Scripts) -> None:
    answer = ANSWER | {"model": "gpt-4o", "prompt_tokens": 7, "completion_tokens": 2}
    end = await scripts.run(f"import json; print(json.dumps({answer!r}))")
    result = end.result
    assert (result.status, result.output, result.error) == ("success", "Paris.", "")
    assert result.metadata == {
        "execution_mode": "subprocess",
        "fallback_reason": "missing_api_key",
        "exit_code": 0,
        "model": "gpt-4o",
    }
    assert result.usage == Usage(7, 2)
    assert result.duration_seconds is not None


async def test_script_gets_the_task_and_how_to_ask(scripts: Scripts) -> None:
    code = (
        "import json, sys\n"
        "given = json.load(sys.stdin)\n"
        f"print(json.dumps({ANSWER!r} | {{'output': json.dumps(given)}}))"
    )
    given = json.loads((await scripts.run(code)).result.output)
    assert given["task_id"] == "t1"
    assert (given["model"], given["max_tokens"], given["temperature"]) == ("gpt-4o", 500, 0.1)
    assert (given["agent_type"], given["execution_mode"]) == ("openai-gpt", "api")


async def test_script_knows_its_own_key_alone_and_has_a_folder_of_its_own(
    scripts: Scripts,
) -> None:
    scripts.environment |= {"ANTHROPIC_API_KEY": "other", "LLMBUS_AMQP_URL": "amqp://u:p@h/"}
    code = (
        "import json, os\n"
        "open('note', 'w').write('x')\n"
        "told = dict(os.environ) | {'folder': os.getcwd(), 'mode': oct(os.stat('.').st_mode)}\n"
        f"print(json.dumps({ANSWER!r} | {{'metadata': told}}))"
    )
    told = (await scripts.run(code)).result.metadata
    assert told["OPENAI_API_KEY"]
    assert "ANTHROPIC_API_KEY" not in told
    assert "LLMBUS_AMQP_URL" not in told
    assert told["HOME"] == told["TMPDIR"] == told["folder"]
    assert told["mode"].endswith("700")
    assert not os.path.exists(told["folder"])  # noqa: ASYNC240  a quick look in a test


async def test_missing_script_is_named(scripts: Scripts) -> None:
    end = await scripts.run()
    assert problem(end) is ScriptProblem.SCRIPT_MISSING
    assert "execute_gpt.py" in end.result.error


async def test_script_that_is_a_folder_or_unreadable_is_told(scripts: Scripts) -> None:
    (scripts.folder / "execute_gpt.py").mkdir()
    assert problem(await scripts.run()) is ScriptProblem.SCRIPT_UNREADABLE
    (scripts.folder / "execute_gpt.py").rmdir()
    scripts.write(GOOD).chmod(0)
    assert problem(await scripts.run()) is ScriptProblem.SCRIPT_UNREADABLE


async def test_missing_interpreter_is_named(scripts: Scripts) -> None:
    end = await scripts.run(GOOD, fallback_python=scripts.folder / "nowhere")
    assert problem(end) is ScriptProblem.INTERPRETER_MISSING
    assert "LLMBUS_FALLBACK_PYTHON" in end.result.error


async def test_interpreter_that_cannot_be_executed_is_named(scripts: Scripts) -> None:
    no_program = scripts.write("not a program", "python")
    end = await scripts.run(GOOD, fallback_python=no_program)
    assert problem(end) is ScriptProblem.INTERPRETER_NOT_EXECUTABLE
    no_program.chmod(0o755)
    end = await scripts.run(GOOD, fallback_python=no_program)
    assert problem(end) is ScriptProblem.INTERPRETER_NOT_EXECUTABLE


async def test_hanging_script_is_ended(scripts: Scripts) -> None:
    code = "import signal, threading; signal.signal(15, signal.SIG_IGN); threading.Event().wait()"
    end = await scripts.run(code, timeout=timedelta(seconds=0.5))
    assert problem(end) is ScriptProblem.TIME_LIMIT
    assert end.result.failure is not None
    assert end.result.failure.kind is FailureKind.TIMEOUT
    assert (await scripts.run(GOOD)).result.output == "Paris."


FORKING = """
import os, sys, threading
reader, writer = os.pipe()
for leaves in (False, True):
    if os.fork() == 0:
        if leaves:
            os.setsid()
            if os.fork(): os._exit(0)
        open({log!r}, "a").write(f"{{os.getpid()}}\\n")
        os.write(writer, b"x")
        threading.Event().wait()
os.read(reader, 1); os.read(reader, 1)
{then}
"""


@pytest.mark.parametrize("then", [GOOD, "threading.Event().wait()"], ids=["ends", "hangs"])
async def test_children_die_with_the_script(scripts: Scripts, tmp_path: Path, then: str) -> None:
    log = tmp_path / "pids"
    code = FORKING.format(log=str(log), then=then)
    end = await scripts.run(code, timeout=timedelta(seconds=5 if then == GOOD else 1))
    assert end.result.status is (
        ExecutionStatus.SUCCESS if then == GOOD else ExecutionStatus.FAILED
    )
    pids = [int(pid) for pid in log.read_text().split()]
    assert len(pids) == 2
    assert not any(psutil.pid_exists(pid) for pid in pids)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
async def test_flood_is_ended_and_not_kept(scripts: Scripts, stream: str) -> None:
    code = f"import sys\nfor _ in range(1024): sys.{stream}.write('x' * 2**20)"
    end = await scripts.run(code)
    assert problem(end) is ScriptProblem.OUTPUT_LIMIT
    assert len(end.stderr_tail) <= 4096


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("pass", ScriptProblem.NO_ANSWER),
        ("raise SystemExit(1)", ScriptProblem.NO_ANSWER),
        ("print('hello')", ScriptProblem.GARBAGE),
        ("print('{')", ScriptProblem.GARBAGE),
        ("import os; os.write(1, bytes(range(256)))", ScriptProblem.GARBAGE),
        (f"{GOOD}; {GOOD.partition(';')[2].replace('sys.stdin.read();', '')}", None),
        ("print('[]')", ScriptProblem.WRONG_ANSWER),
        ('print(\'{"status": "fine"}\')', ScriptProblem.WRONG_ANSWER),
        ('print(\'{"output": "x"}\')', ScriptProblem.WRONG_ANSWER),
        ('print(\'{"status": "success", "task_id": "t2"}\')', ScriptProblem.WRONG_ANSWER),
        ('print(\'{"status": "failed"}\')', ScriptProblem.WRONG_EXIT_CODE),
        ('print(\'{"status": "success"}\')', ScriptProblem.WRONG_ANSWER),
        ('print(\'{"status": "cancelled"}\')', ScriptProblem.WRONG_ANSWER),
        (f"{GOOD}; raise SystemExit(1)", ScriptProblem.WRONG_EXIT_CODE),
        ("print('[' * 50_000)", ScriptProblem.GARBAGE),
        (f"print('Loading.'); {GOOD}", ScriptProblem.GARBAGE),
    ],
)
async def test_unusable_answer_is_told_apart(
    scripts: Scripts, code: str, expected: ScriptProblem | None
) -> None:
    assert problem(await scripts.run(code)) is (expected or ScriptProblem.SEVERAL_ANSWERS)


async def test_death_by_signal_is_named(scripts: Scripts) -> None:
    end = await scripts.run("import os; os.kill(os.getpid(), 11)")
    assert problem(end) is ScriptProblem.KILLED_BY_SIGNAL
    assert "SIGSEGV" in end.result.error
    assert end.result.metadata["exit_code"] == -11


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        ("no API key", 2, FailureKind.MISSING_API_KEY),
        ("SDK not installed", 2, FailureKind.MISSING_DEPENDENCIES),
        ("title is required", 3, FailureKind.REJECTED),
        ("something", 1, FailureKind.SCRIPT),
    ],
)
async def test_old_script_s_exit_code_says_what_failed(
    scripts: Scripts, error: str, code: int, kind: FailureKind
) -> None:
    answer = {"status": "failed", "error": error}
    end = await scripts.run(f"import json; print(json.dumps({answer!r})); raise SystemExit({code})")
    assert end.result.failure is not None
    assert (end.result.failure.kind, end.result.error) == (kind, error)
    assert end.result.metadata["exit_code"] == code


async def test_key_is_repeated_nowhere(scripts: Scripts) -> None:
    code = (
        "import json, os, sys\n"
        "key = os.environ['OPENAI_API_KEY']\n"
        "print('bad key', key, file=sys.stderr)\n"
        "print(json.dumps({'status': 'failed', 'error': f'bad key {key}'}))\n"
        "raise SystemExit(1)"
    )
    end = await scripts.run(code)
    assert "sekret" not in repr(end)
    assert "bad key" in end.stderr_tail


async def test_script_that_reads_nothing_blocks_nobody(scripts: Scripts) -> None:
    end = await scripts.run(
        f"import json; print(json.dumps({ANSWER!r}))", description="x" * 2_000_000
    )
    assert end.result.status is ExecutionStatus.SUCCESS


async def test_cancelled_run_leaves_no_process(scripts: Scripts, tmp_path: Path) -> None:
    started = tmp_path / "started"
    code = f"import os, threading; os.mkfifo({str(started)!r}); threading.Event().wait()"
    running = asyncio.create_task(scripts.run(code))
    await until(started.exists, "the script has started")
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert not psutil.Process().children(recursive=True)


async def test_script_dies_with_a_runner_that_is_killed(scripts: Scripts, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    scripts.write(
        f"import os, threading\nopen({str(pid_file)!r} + '~', 'w').write(str(os.getpid()))\n"
        f"os.rename({str(pid_file)!r} + '~', {str(pid_file)!r})\nthreading.Event().wait()"
    )
    program = (
        "import asyncio\n"
        "from pathlib import Path\n"
        "from llmbus.shared import AgentTask, AgentType\n"
        "from llmbus.shared.clock import SystemClock\n"
        "from llmbus.shared.envelope import RequestedAgent\n"
        "from llmbus.worker.subprocess_path import ScriptRunner, ScriptSettings\n"
        f"settings = ScriptSettings(scripts_dir=Path({str(scripts.folder)!r}))\n"
        "task = AgentTask('t1', 'Capital', 'Wait.', 'gpt-4')\n"
        "agent = RequestedAgent(AgentType.OPENAI_GPT)\n"
        "asyncio.run(ScriptRunner(settings, SystemClock()).run(task, agent))\n"
    )
    runner = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    await until(pid_file.exists, "the script has started")
    pid = int(pid_file.read_text())
    runner.send_signal(signal.SIGKILL)
    await runner.wait()
    await until(lambda: not psutil.pid_exists(pid), "the script is gone")
