"""Creating and updating state machines.

A definition in JSONata is refused, since moto's interpreter has no evaluator for it, and a name that exists with
another definition or role is not silently answered with the old machine.
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
    """A state machine of that name exists, with another definition or role."""

    TYPE = "StateMachineAlreadyExists"
    STATUS = 400


def jsonata_places(definition: Any, place: str = "$") -> list[str]:
    """Return where a definition asks for JSONata, as JSON paths."""
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
        return  # moto says what is wrong with it
    if places:
        message = (
            f"Invalid State Machine Definition: the emulator does not evaluate JSONata ({places[0]}): use JSONPath"
        )
        raise InvalidDefinition(message=message)


def _definition_of_execution(self: StepFunctionResponse) -> ActionResult:
    """Answer with the definition that the execution was started with, not the machine's present one."""
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
    """Check before moto creates or updates."""
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
            message = f"State Machine Already Exists: '{arn}'"
            raise StateMachineAlreadyExists(message)
        return existing

    replace(
        StepFunctionsParserBackend,
        _validate_definition=staticmethod(validate_definition),
        create_state_machine=create_state_machine,
    )
    replace(StepFunctionResponse, describe_state_machine_for_execution=_definition_of_execution)
