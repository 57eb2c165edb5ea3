"""The names of function errors."""

import pytest

from emulator.step_functions.lambda_tasks import function_error


@pytest.mark.parametrize("payload", ["null", '"text"', '{"message": "no type"}'])
def test_an_error_without_a_type_has_lambdas_name(payload):
    name, cause = function_error(payload)
    assert name == "Lambda.Unknown"
    assert cause.endswith(f"Returned payload: {payload}")
