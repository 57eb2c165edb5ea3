"""Deploying a SAM template to the emulator.

Owns the way from `template.yaml` and the folders it names to resources that are ready to use: translation, local
code, intrinsic functions, one small handler a resource type. A type or a property that the emulator would lose in
silence is an error that names it. It calls the same API as everybody else.
"""

from emulator.cloudformation.build_cache import BuildCache
from emulator.cloudformation.stacks import Stacks

__all__ = ["BuildCache", "Stacks"]
