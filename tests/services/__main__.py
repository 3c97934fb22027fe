"""`python -m tests.services run -- CMD…`: run CMD beside a real RabbitMQ and a real Redis."""

import argparse
import os
import re
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack

from tests.services.command import Interrupted, interruptible, run_command
from tests.services.errors import GivenInstallationError, GivenUrlError, NoWayWorked
from tests.services.order import INSTALL_LINE, rabbitmq_ways, redis_ways
from tests.services.ways import enter_first_that_works

SERVICES_UNAVAILABLE = 69  # EX_UNAVAILABLE of sysexits.h
DESCRIPTION = """\
Provides a real RabbitMQ (with its management API) and a real Redis, runs a command with
TEST_AMQP_URL, TEST_RABBITMQ_API_URL and TEST_REDIS_URL set, and leaves nothing running.
For each service the first way that works is taken: `given` (the variables are set already),
`container`, `native` (installed programs), `deb` (Debian packages unpacked into the cache folder,
not installed), `apt` (installed, as root). TEST_RABBITMQ_INSTALLATION names the folder of another
RabbitMQ: then that one is started, or none. Ends with the command's exit code, or with 69 if no
way worked.
"""


def conf_line(text: str) -> str:
    key, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[\w.$-]+", key.strip()) or "\n" in value:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return f"{key.strip()} = {value.strip()}"


def parse(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The command and the extra lines of rabbitmq.conf. Exits with 2 on wrong usage."""
    parser = argparse.ArgumentParser(
        "python -m tests.services",
        usage="%(prog)s run [--rabbit-conf KEY=VALUE]... -- CMD...",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=["run"], metavar="run")
    parser.add_argument(
        "--rabbit-conf",
        metavar="KEY=VALUE",
        type=conf_line,
        action="append",
        default=[],
        help="a line for rabbitmq.conf; may be repeated; a broker given by URL is left as it is",
    )
    # Split by hand: how argparse treats a second `--` depends on the Python version.
    options, command = _split_at_double_dash(arguments)
    parsed = parser.parse_args(options)
    if not command:
        parser.error("no command: give it after `--`")
    return command, parsed.rabbit_conf


def _split_at_double_dash(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    if "--" not in arguments:
        return list(arguments), []
    at = arguments.index("--")
    return list(arguments[:at]), list(arguments[at + 1 :])


def run_beside_services(command: Sequence[str], extra_conf: Sequence[str]) -> int:
    began = time.monotonic()
    with ExitStack() as services:
        redis = enter_first_that_works("Redis", redis_ways(), services)
        rabbitmq = enter_first_that_works("RabbitMQ", rabbitmq_ways(extra_conf), services)
        print(
            f"services: RabbitMQ ({rabbitmq.way}) and Redis ({redis.way}) "
            f"ready in {time.monotonic() - began:.1f} s",
            file=sys.stderr,
            flush=True,
        )
        provided = rabbitmq.service.environment() | redis.service.environment()
        return run_command(command, {**os.environ, **provided})


def main() -> int:
    command, extra_conf = parse(sys.argv[1:])
    try:
        with interruptible():
            return run_beside_services(command, extra_conf)
    except (GivenUrlError, GivenInstallationError) as error:
        print(f"services: {error}", file=sys.stderr)
        return SERVICES_UNAVAILABLE
    except NoWayWorked as error:
        advice = "" if error.start_failed else f"\nInstall them: {INSTALL_LINE}"
        print(f"services: {error}{advice}", file=sys.stderr)
        return SERVICES_UNAVAILABLE
    except Interrupted as interruption:
        return interruption.exit_code


if __name__ == "__main__":
    raise SystemExit(main())
