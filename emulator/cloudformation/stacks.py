"""The stacks of one emulator, each created or updated from a template."""

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from emulator.cloudformation.build_cache import BuildCache
from emulator.cloudformation.code_upload import CodeUploader
from emulator.cloudformation.deployment import Deployment, Stack
from emulator.cloudformation.parameters import parameter_values
from emulator.cloudformation.stack_listing import list_stack
from emulator.cloudformation.template import read_template, translate, upload_local_code


class Stacks:
    """The stacks of one emulator; `client` gives the operator's boto3 client of a service."""

    def __init__(self, client: Callable[[str], Any], cache: BuildCache) -> None:
        self._client = client
        self._cache = cache
        self._stacks: dict[str, Stack] = {}

    def deploy(self, template_path: Path, *, stack_name: str, parameters: Mapping[str, str]) -> dict[str, str]:
        """Create or update a stack; return its outputs once everything in it is usable.

        A resource whose resolved properties are as they were is not touched. EmulatorError names the logical id of
        what cannot be made; what was made before it stays, and the next deployment goes on from there.
        """
        template = read_template(template_path)
        code = CodeUploader(self._client("s3"), self._cache)
        upload_local_code(template, template_path.resolve().parent, code.upload)
        values = parameter_values(template.get("Parameters", {}), parameters)
        texts = {name: ",".join(value) if isinstance(value, list) else value for name, value in values.items()}
        translated = translate(copy.deepcopy(template), texts)
        stack = self._stacks.setdefault(stack_name, Stack())
        deployment = Deployment(translated, values, stack_name, stack, self._client)
        stack.outputs = outputs = deployment.run()
        list_stack(self._client("cloudformation"), stack_name, translated.get("Outputs", {}), outputs, texts)
        return outputs

    def outputs(self, stack_name: str) -> dict[str, str]:
        """Return what a stack's last deployment gave out; nothing for one that was never deployed."""
        return dict(self._stacks[stack_name].outputs) if stack_name in self._stacks else {}
