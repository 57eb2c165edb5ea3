"""Creating and updating state machines.

A definition in JSONata is refused, since moto's interpreter cannot evaluate it. A name that exists with another
definition or role is an error, where moto answers with the existing machine.
"""

import json
from typing import Any

from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import StateMachineDoesNotExist
from moto.stepfunctions.parser.api import InvalidDefinition
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from emulator.repairing import replace
from emulator.step_functions.backend import execution_of


class StateMachineAlreadyExists(AWSError):
    """A state machine of that name exists with another definition or role."""

    TYPE = "StateMachineAlreadyExists"
    STATUS = 400


def jsonata_places(definition: Any, place: str = "$") -> list[str]:
    """Return the JSON paths of all places in a definition that choose JSONata."""
    if isinstance(definition, list):
        return [found for i, item in enumerate(definition) for found in jsonata_places(item, f"{place}[{i}]")]
    if not isinstance(definition, dict):
        return []
    here = [f"{place}.QueryLanguage"] if definition.get("QueryLanguage") == "JSONata" else []
    return here + [found for key, item in definition.items() for found in jsonata_places(item, f"{place}.{key}")]


def _refuse_jsonata(definition: str) -> None:
    try:
        places = jsonata_places(json.loads(definition))
    except ValueError:
        return  # moto refuses it with a message of its own
    if places:
        raise InvalidDefinition(
            message="Invalid State Machine Definition: "
            f"the emulator does not evaluate JSONata ({places[0]}): use JSONPath"
        )


def _definition_of_execution(self: StepFunctionResponse) -> ActionResult:
    """Answer with the definition that the execution was started with. moto answers with the machine's present one."""
    machine: Any = execution_of(self).state_machine
    return ActionResult(
        {
            "stateMachineArn": machine.arn,
            "name": machine.name,
            "definition": machine.definition,
            "roleArn": machine.roleArn,
            "updateDate": machine.update_date,
            "loggingConfiguration": machine.loggingConfiguration,
            "tracingConfiguration": machine.tracingConfiguration,
            "encryptionConfiguration": machine.encryptionConfiguration,
        }
    )


def repair() -> None:
    """Check definitions and names before moto creates or updates a machine."""
    create = StepFunctionsParserBackend.create_state_machine
    validate = StepFunctionsParserBackend._validate_definition

    def validate_definition(definition: str) -> None:
        _refuse_jsonata(definition)
        validate(definition=definition)

    def create_state_machine(self: StepFunctionsParserBackend, name: str, definition: str, **rest: Any) -> Any:
        arn = f"arn:{self.partition}:states:{self.region_name}:{self.account_id}:stateMachine:{name}"
        try:
            existing = self.describe_state_machine(arn)
        except StateMachineDoesNotExist:
            return create(self, name=name, definition=definition, **rest)
        if (existing.definition, existing.roleArn) != (definition, rest["roleArn"]):
            raise StateMachineAlreadyExists(f"State Machine Already Exists: '{arn}'")
        return existing

    replace(
        StepFunctionsParserBackend,
        _validate_definition=staticmethod(validate_definition),
        create_state_machine=create_state_machine,
    )
    replace(StepFunctionResponse, describe_state_machine_for_execution=_definition_of_execution)
