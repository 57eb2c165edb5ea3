"""What the emulator raises when it cannot do what it was asked for."""


class EmulatorError(Exception):
    """The emulator refuses: the message says where, what, and what to do next."""
