"""The faults that the model has to find."""

from __future__ import annotations

from typing import Final

from tests.model.planted.bus_faults import BUS_FAULTS
from tests.model.planted.claim_faults import CLAIM_FAULTS
from tests.model.planted.settlement_faults import SETTLEMENT_FAULTS

__all__ = ["FAULTS"]

FAULTS: Final = CLAIM_FAULTS + SETTLEMENT_FAULTS + BUS_FAULTS
