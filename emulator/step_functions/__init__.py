"""AWS Step Functions inside the emulator: repairs of moto's interpreter, one concern a module.

It refuses JSONata and what the interpreter does not know; it never makes a success up.
"""

from emulator.step_functions.interpreter import StepFunctionsService, start_step_functions
from emulator.step_functions.settings import InterpreterSettings

__all__ = ["InterpreterSettings", "StepFunctionsService", "start_step_functions"]
