"""The packages that functions can import besides a runtime bundle: those of the layer, and those of Lambda's Python."""

NOT_IN_THE_LAYER = ("bundling", "cli", "planning", "workflow")
"""The rooms of the library that no function needs. model_tools/Makefile leaves the same rooms out of the layer."""
LAYER_PACKAGES = ("aws-lambda-powertools", "aws-xray-sdk", "isal", "packaging", "pydantic", "PyYAML", "zstandard")
"""The packages in the layer, as model_tools/requirements.txt names them."""
RUNTIME_PACKAGES = ("snapshot-restore-py", "boto3")
"""The packages of Lambda's Python that the functions use."""
