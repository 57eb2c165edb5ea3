"""What functions see besides a runtime bundle: the layer with the library and its packages, and Lambda's own Python."""

NOT_IN_THE_LAYER = ("bundling", "cli", "planning", "workflow")
"""Rooms of the library that no function needs. model_tools/Makefile builds the layer without the same ones."""
LAYER_PACKAGES = ("aws-lambda-powertools", "aws-xray-sdk", "isal", "packaging", "pydantic", "PyYAML", "zstandard")
"""Packages in the layer, as model_tools/requirements.txt names them."""
RUNTIME_PACKAGES = ("snapshot-restore-py", "boto3")
"""Packages that Lambda's Python brings."""
