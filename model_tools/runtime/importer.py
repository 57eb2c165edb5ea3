"""Imports modules from a runtime bundle that is held in memory."""

import importlib.abc
import importlib.machinery
import importlib.util
import marshal
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from importlib.metadata import Distribution, DistributionFinder
from types import CodeType, ModuleType

from model_tools.errors import RuntimeDamaged
from model_tools.formats.runtime_reference import PartName, RuntimeReference
from model_tools.runtime.adjustments import adjust_after, adjust_before
from model_tools.runtime.contents import OpenObject, read_bundle, require_fitting
from model_tools.runtime.memory import MemoryTree, virtual_path
from model_tools.runtime.resources import TreeDistribution, TreeResources

CODE_SUFFIX = f".{sys.implementation.cache_tag}.pyc"
"""The ending of files with this Python's compiled code."""
PYC_HEADER = 16
"""Bytes before the code in a file of compiled code (PEP 552)."""


def hold_runtime(reference: RuntimeReference, open_object: OpenObject, part: PartName = "whole") -> None:
    """Fetch a part of a bundle into memory and make its packages importable; do nothing if the part is there already.

    Raises RuntimeMismatch and RuntimeDamaged; no module of the bundle is importable then, and no memory is kept.
    """
    require_fitting(reference)
    sha256 = reference.part(part).sha256
    if any(isinstance(finder, BundleFinder) and finder.sha256 == sha256 for finder in sys.meta_path):
        return
    tree = MemoryTree()
    try:
        for file in read_bundle(reference, open_object, part):
            tree.add(file)
    except ValueError as error:
        tree.close()
        raise RuntimeDamaged(
            f"{reference.uri} holds a library that cannot be read ({error}): build it again."
        ) from error
    except BaseException:
        tree.close()
        raise
    sys.meta_path.insert(0, BundleFinder(tree, sha256))


class BundleFinder(DistributionFinder):
    """Finds the modules of one bundle; Python asks it before it searches any path."""

    def __init__(self, tree: MemoryTree, sha256: str) -> None:
        self.sha256 = sha256
        self._tree = tree
        self._modules = {module: name for name in tree.names() if (module := _module_of(name))}
        parents = (module.split(".")[:-1] for module in self._modules)
        self._packages = {".".join(parts[:end]) for parts in parents for end in range(1, len(parts) + 1)}

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module of the bundle; None for any other module."""
        name = self._modules.get(fullname)
        if name is None:
            return self._namespace(fullname) if fullname in self._packages else None
        if not name.endswith(".py"):
            library = ExtensionLoader(fullname, self._tree, name)
            return importlib.util.spec_from_file_location(fullname, library.path, loader=library)
        is_package = name.endswith("/__init__.py")
        spec = ModuleSpec(fullname, SourceLoader(self._tree, name), origin=virtual_path(name), is_package=is_package)
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [virtual_path(name.rpartition("/")[0])]
        return spec

    def find_distributions(self, context: DistributionFinder.Context | None = None) -> Iterable[Distribution]:
        """Return the package that the context names, or all packages."""
        wanted = context.name if context else None
        return TreeDistribution.of(self._tree, wanted)

    def _namespace(self, fullname: str) -> ModuleSpec:
        spec = ModuleSpec(fullname, None, is_package=True)
        spec.submodule_search_locations = [virtual_path(fullname.replace(".", "/"))]
        return spec


class SourceLoader(importlib.abc.ExecutionLoader):
    """Runs a module from its compiled code, or from its source if the code is missing or of another Python."""

    def __init__(self, tree: MemoryTree, name: str) -> None:
        self._tree = tree
        self._name = name

    def is_package(self, _fullname: str) -> bool:
        """Tell whether the module is a package."""
        return self._name.endswith("/__init__.py")

    def get_filename(self, _fullname: str) -> str:
        """Return the module's `__file__`, at which there is no file."""
        return virtual_path(self._name)

    def get_source(self, _fullname: str) -> str:
        """Return the text of the module's source, which `inspect` and tracebacks show."""
        return importlib.util.decode_source(self._tree.read(self._name))

    def get_data(self, path: str) -> bytes:
        """Return the contents of the bundle's file at a path. Raises FileNotFoundError."""
        return self._tree.read(path.removeprefix(virtual_path("")))

    def get_resource_reader(self, _fullname: str) -> TreeResources:
        """Return the reader of the package's files for importlib.resources."""
        return TreeResources(self._tree, self._name.rpartition("/")[0])

    def get_code(self, fullname: str) -> CodeType:
        """Return the module's compiled code."""
        folder, _, base = self._name.rpartition("/")
        prefix = f"{folder}/" if folder else ""
        compiled = self._tree.take_code(f"{prefix}__pycache__/{base.removesuffix('.py')}{CODE_SUFFIX}")
        if compiled is not None and compiled.startswith(importlib.util.MAGIC_NUMBER):
            return marshal.loads(memoryview(compiled)[PYC_HEADER:])  # type: ignore[no-any-return]  # noqa: S302 (verified by its digest)
        return compile(self._tree.read(self._name), self.get_filename(fullname), "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's body, with the adjustments for modules that expect files."""
        adjust_before(module, self._tree)
        super().exec_module(module)
        adjust_after(module, self._tree)


class ExtensionLoader(ExtensionFileLoader):
    """Loads an extension module after the shared libraries that it needs."""

    def __init__(self, fullname: str, tree: MemoryTree, name: str) -> None:
        super().__init__(fullname, tree.descriptor_path(name))
        self._tree = tree
        self._name = name

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Load the libraries, then the module."""
        self._tree.open_library(self._name)
        return super().create_module(spec)


def _module_of(name: str) -> str | None:
    """Return the name of the module that a file holds; None for data, libraries and compiled code."""
    suffix = next((suffix for suffix in (".py", *EXTENSION_SUFFIXES) if name.endswith(suffix)), None)
    if suffix is None:
        return None
    parts = name.removesuffix(suffix).split("/")
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts) if parts and all(part.isidentifier() for part in parts) else None
