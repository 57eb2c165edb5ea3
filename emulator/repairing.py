"""Putting something of ours in the place of something of moto's.

Repairs touch moto's private names. A name that is no longer there is an error: without it, a repair of a newer moto
would be an attribute that nobody looks at, and the fault that it repairs would be back in silence.
"""

import sys
from types import ModuleType

import moto

from emulator.errors import EmulatorError


def replace(owner: type | ModuleType, **members: object) -> None:
    """Set attributes of a class or a module of moto's; EmulatorError when it has none of that name."""
    for name, member in members.items():
        if not hasattr(owner, name):
            raise EmulatorError(
                f"{owner.__name__} of moto {moto.__version__} has no {name}, which the emulator repairs: install the "
                "version of moto that constraints.txt names"
            )
        setattr(owner, name, member)


def replace_imported(package: str, owner: ModuleType, name: str, member: object) -> None:
    """Replace a module's member there and in every module of a package that has imported it by name."""
    original = getattr(owner, name, None)
    replace(owner, **{name: member})
    for module_name, module in list(sys.modules.items()):
        if module_name.startswith(package) and getattr(module, name, None) is original:
            setattr(module, name, member)
