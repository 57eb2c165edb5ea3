"""The error that tells a person why the emulator refuses."""


class EmulatorError(Exception):
    """The emulator refuses. Its message names the place and the fault, and says what to do next."""
