"""The names of the API's errors. moto's interpreter raises many without a name, and some it cannot even construct."""

from typing import Any

from moto.core.exceptions import AWSError
from moto.stepfunctions.parser import api

from emulator.repairing import replace


def _name(error_class: type[AWSError], name: str) -> None:
    def construct(self: AWSError, message: str = name, **rest: Any) -> None:
        AWSError.__init__(self, message, **rest)

    replace(error_class, TYPE=name, __init__=construct)


def repair() -> None:
    """Give each error the name that moto declares for it and does not use."""
    for found in vars(api).values():
        if isinstance(found, type) and issubclass(found, AWSError) and found.TYPE is None and found is not AWSError:
            _name(found, found.__dict__["code"])
