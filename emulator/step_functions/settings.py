"""The settings of the interpreter."""

from dataclasses import dataclass
from typing import ClassVar, Self

from emulator.iam import CredentialsFor


@dataclass(frozen=True)
class InterpreterSettings:
    """Everything that the interpreter needs from outside.

    moto's interpreter consists of module-level functions and classes, so the repairs look up their settings with
    `InterpreterSettings.current()`.
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
        """Return the active settings; raises RuntimeError before the first `activate()`."""
        if cls._current is None:
            raise RuntimeError("the interpreter was used before start_step_functions was called")
        return cls._current
