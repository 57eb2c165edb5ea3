"""The stacks of one emulator, each created or updated from a template."""

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from emulator.cloudformation.build_cache import BuildCache
from emulator.cloudformation.code_upload import CodeUploader
from emulator.cloudformation.deployment import Deployment, StackState
from emulator.cloudformation.parameters import parameter_values
from emulator.cloudformation.stack_listing import list_stack
from emulator.cloudformation.template import read_template, translate, upload_local_code


class Stacks:
    """The stacks of one emulator. `client` returns the operator's boto3 client of a service."""

    def __init__(self, client: Callable[[str], Any], cache: BuildCache) -> None:
        self._client = client
        self._cache = cache
        self._stacks: dict[str, StackState] = {}

    def deploy(self, template_path: Path, *, stack_name: str, parameters: Mapping[str, str]) -> dict[str, str]:
        """Create or update a stack; return its outputs when all its resources are ready.

        A resource whose resolved properties have not changed is not touched. Raises EmulatorError with the logical id
        of a resource that cannot be made. The resources before it stay, and the next deployment continues from there.
        """
        template = read_template(template_path)
        code = CodeUploader(self._client("s3"), self._cache)
        upload_local_code(template, template_path.resolve().parent, code.upload)
        values = parameter_values(template.get("Parameters", {}), parameters)
        texts = {name: ",".join(value) if isinstance(value, list) else value for name, value in values.items()}
        translated = translate(copy.deepcopy(template), texts)
        stack = self._stacks.setdefault(stack_name, StackState())
        deployment = Deployment(translated, values, stack_name, stack, self._client)
        stack.outputs = outputs = deployment.run()
        list_stack(self._client("cloudformation"), stack_name, translated.get("Outputs", {}), outputs, texts)
        return outputs

    def outputs(self, stack_name: str) -> dict[str, str]:
        """Return the outputs of a stack's last deployment; an empty mapping when it was never deployed."""
        return dict(self._stacks[stack_name].outputs) if stack_name in self._stacks else {}
