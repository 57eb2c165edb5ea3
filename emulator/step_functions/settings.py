"""What the interpreter is told when it is installed."""

from dataclasses import dataclass
from typing import ClassVar, Self

from emulator.iam import CredentialsFor


@dataclass(frozen=True)
class InterpreterSettings:
    """Everything that the interpreter takes from outside.

    moto's interpreter is a set of module-level functions and classes, so the repairs look their settings up with
    `InterpreterSettings.current()` instead of being handed them.
    """

    endpoint_url: str
    credentials_for: CredentialsFor
    time_scale: float = 1.0

    _current: ClassVar[Self | None] = None

    def activate(self) -> None:
        """Make these the settings of every execution from now on."""
        type(self)._current = self

    @classmethod
    def current(cls) -> Self:
        """Return the active settings; RuntimeError before the first `activate()`."""
        if cls._current is None:
            message = "the interpreter was used before it was installed"
            raise RuntimeError(message)
        return cls._current
