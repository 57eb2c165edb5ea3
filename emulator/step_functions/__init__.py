"""AWS Step Functions inside the emulator: repairs of moto's interpreter, one concern in each module.

It refuses JSONata and operations that the interpreter does not know; it never makes a success up.
"""

from emulator.step_functions.interpreter import Interpreter, start_step_functions
from emulator.step_functions.settings import InterpreterSettings

__all__ = ["Interpreter", "InterpreterSettings", "start_step_functions"]
