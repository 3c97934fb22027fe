"""All faults, by name."""

from __future__ import annotations

from typing import Final

from tests.faults.fault import Fault
from tests.faults.faults_broker import BROKER_FAULTS
from tests.faults.faults_cancellation import CANCELLATION_FAULTS, FALLBACK_CANCELLATION_FAULTS
from tests.faults.faults_link import LINK_FAULTS
from tests.faults.faults_message import MESSAGE_FAULTS
from tests.faults.faults_process import FALLBACK_PROCESS_FAULTS, PROCESS_FAULTS
from tests.faults.faults_provider import PROVIDER_FAULTS
from tests.faults.faults_redis import REDIS_FAULTS
from tests.faults.faults_script import SCRIPT_FAULTS
from tests.faults.faults_task import FALLBACK_DEADLY_FAULTS, TASK_FAULTS
from tests.faults.faults_vhost import VHOST_FAULTS

__all__ = ["CATALOGUE", "FAMILIES"]

FAMILIES: Final = (
    PROCESS_FAULTS,
    BROKER_FAULTS,
    VHOST_FAULTS,
    LINK_FAULTS,
    REDIS_FAULTS,
    PROVIDER_FAULTS,
    MESSAGE_FAULTS,
    TASK_FAULTS,
    CANCELLATION_FAULTS,
    (
        *FALLBACK_PROCESS_FAULTS,
        *FALLBACK_DEADLY_FAULTS,
        *FALLBACK_CANCELLATION_FAULTS,
        *SCRIPT_FAULTS,
    ),
)
"""Seeds draw a family first: there are many ways to break a network, and few to kill a worker."""

CATALOGUE: Final[dict[str, Fault]] = {fault.name: fault for family in FAMILIES for fault in family}
