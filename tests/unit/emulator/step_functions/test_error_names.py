"""The names of errors that a service's API does not list."""

from botocore.exceptions import ClientError

from emulator.step_functions.error_names import ErrorFamily, error_name


def test_an_error_that_the_api_does_not_list_has_the_services_general_name():
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Invoke")
    assert error_name(ErrorFamily("Lambda", "AWSLambdaException", "AWSLambda"), denied) == "Lambda.AWSLambdaException"
