"""Deploying a SAM template to the emulator.

Owns the way from `template.yaml` and the folders that it names to resources that are ready to use: translation, local
code, intrinsic functions, one small handler for each resource type. It calls the same API as everybody else. It refuses
types and properties that it would lose in silence, with an error that names them.
"""

from emulator.cloudformation.build_cache import BuildCache
from emulator.cloudformation.stacks import Stacks

__all__ = ["BuildCache", "Stacks"]
