"""Changes one line of the product as it is imported: a fault that the model has to find."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType

__all__ = ["PlantedFault", "plant"]


@dataclass(frozen=True)
class PlantedFault:
    """`old` stands once in the module and is replaced by `new`."""

    name: str
    module: str
    old: str
    new: str
    hidden: str = ""
    """Why no history of the model can show it, if none can."""

    def applied_to(self, source: str) -> str:
        """The module with the fault; `ValueError` if it is not as it was when this was written."""
        found = source.count(self.old)
        if found != 1:
            raise ValueError(
                f"{self.name}: this stands {found} times, not once, in {self.module}; plant the"
                f" fault where the code is now:\n{self.old}"
            )
        return source.replace(self.old, self.new)


def plant(fault: PlantedFault) -> None:
    """Whatever imports the module from now on gets it with the fault. No file is changed."""
    if fault.module in sys.modules:
        raise RuntimeError(f"{fault.module} was imported before: plant faults first")
    sys.meta_path.insert(0, _Planter(fault))


class _Planter(MetaPathFinder):
    def __init__(self, fault: PlantedFault) -> None:
        self._fault = fault

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._fault.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None:
            return None
        spec.loader = _Loader(fullname, spec.origin, self._fault)
        return spec


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, fault: PlantedFault) -> None:
        super().__init__(fullname, path)
        self._fault = fault

    def get_data(self, path: str) -> bytes:
        return self._fault.applied_to(Path(path).read_text()).encode()

    def path_stats(self, path: str) -> dict[str, float]:
        raise OSError("what is planted is neither read from a cache nor written to one")
