"""Is a service really ready to be used? Each probe gives None, or the reason why not."""

import base64
import http.client
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import redis

from tests.services.endpoints import RabbitMQEndpoint, RedisEndpoint
from tests.services.errors import StartFailed

PROBE_TIMEOUT = 3.0
POLL_INTERVAL = 0.05
AMQP_0_9_1_HEADER = b"AMQP\x00\x00\x09\x01"
AMQP_METHOD_FRAME = b"\x01"


def rabbitmq_problem(endpoint: RabbitMQEndpoint) -> str | None:
    """AMQP answers a protocol header *and* the management API lets the user in.

    An open port is not enough: RabbitMQ listens before it serves, and the API comes last.
    """
    return amqp_problem(endpoint.amqp_url) or api_problem(endpoint.api_url)


def amqp_problem(url: str) -> str | None:
    parts = urlsplit(url)
    tls = parts.scheme == "amqps"
    address = (parts.hostname or "localhost", parts.port or (5671 if tls else 5672))
    try:
        with socket.create_connection(address, timeout=PROBE_TIMEOUT) as plain:
            stream = (
                ssl.create_default_context().wrap_socket(plain, server_hostname=address[0])
                if tls
                else plain
            )
            stream.sendall(AMQP_0_9_1_HEADER)
            answer = stream.recv(1)
    except OSError as error:
        return f"AMQP at {address[0]}:{address[1]}: {error}"
    if answer != AMQP_METHOD_FRAME:
        return f"AMQP at {address[0]}:{address[1]}: answered {answer!r}, not an AMQP 0-9-1 frame"
    return None


def api_problem(url: str) -> str | None:
    parts = urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    where = f"management API at {parts.hostname}:{parts.port}"
    connection = connect(parts.hostname or "localhost", parts.port, timeout=PROBE_TIMEOUT)
    login = f"{unquote(parts.username or 'guest')}:{unquote(parts.password or 'guest')}"
    header = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
    try:
        connection.request("GET", parts.path.rstrip("/") + "/api/whoami", headers=header)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"{where}: {error!r}"
    finally:
        connection.close()
    return None if status == http.client.OK else f"{where}: HTTP {status}"


def redis_problem(endpoint: RedisEndpoint) -> str | None:
    untyped: Any = redis.Redis  # its keyword arguments have no types
    client = untyped.from_url(
        endpoint.url, socket_connect_timeout=PROBE_TIMEOUT, socket_timeout=PROBE_TIMEOUT
    )
    try:
        client.ping()
    except (redis.RedisError, OSError) as error:
        return f"Redis: {error}"
    finally:
        client.close()
    return None


def wait_until_ready(
    problem: Callable[[], str | None], *, still_running: Callable[[], bool], seconds: float
) -> None:
    """Return as soon as `problem` gives None.

    Raises StartFailed when the process ends before that, or when the time is up.
    """
    deadline = time.monotonic() + seconds
    while (reason := problem()) is not None:
        if not still_running():
            raise StartFailed("the process ended before it was ready")
        if time.monotonic() > deadline:
            raise StartFailed(f"not ready after {seconds:.0f} s: {reason}")
        time.sleep(POLL_INTERVAL)
