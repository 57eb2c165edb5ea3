"""Reading a SAM template and turning it into plain CloudFormation."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3
import yaml
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from emulator.account import REGION
from emulator.errors import EmulatorError
from emulator.packages.build import LocalCode

# SAM measures itself, and warns at exit that nobody has read its metrics.
logging.getLogger("samtranslator.metrics").setLevel(logging.ERROR)

Template = dict[str, Any]
"""A template, as it is written or translated."""

Upload = Callable[[LocalCode], str]
"""Uploads local code and returns its `s3://` URI."""

_LAYER = "AWS::Serverless::LayerVersion"

_LOCAL_CODE = {"AWS::Serverless::Function": "CodeUri", _LAYER: "ContentUri"}
"""The property in which a SAM resource names its local code."""


def read_template(path: Path) -> Template:
    """Return the template as it is written; raises EmulatorError when the file is not a template."""
    try:
        template = yaml_parse(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
        raise EmulatorError(f"{path}: cannot be read as a template: {error}") from error
    if not isinstance(template, dict) or not isinstance(template.get("Resources"), dict):
        raise EmulatorError(f"{path}: has no Resources: name a SAM or CloudFormation template")
    return template


def upload_local_code(template: Template, folder: Path, upload: Upload) -> None:
    """Replace local code in the template by S3 URIs, and files of definitions by their content."""
    shared = template.get("Globals", {}).get("Function", {}).get("CodeUri")
    for logical_id, resource in template["Resources"].items():
        properties = resource.setdefault("Properties", {}) or {}
        kind = resource.get("Type")
        if kind in _LOCAL_CODE:
            name = _LOCAL_CODE[kind]
            uri = properties.get(name, shared if kind != _LAYER and "InlineCode" not in properties else None)
            if isinstance(uri, str) and not uri.startswith("s3://"):
                properties[name] = upload(_local_code(logical_id, resource, folder / uri))
        if kind == "AWS::Serverless::StateMachine" and "DefinitionUri" in properties:
            properties["Definition"] = _definition(folder, properties.pop("DefinitionUri"), logical_id)


def translate(template: Template, parameters: Mapping[str, str]) -> Template:
    """Return the template with SAM's resources replaced by CloudFormation's; raises EmulatorError."""
    translator = Translator({}, Parser(), boto_session=boto3.session.Session(region_name=REGION))
    try:
        translated: Template = translator.translate(template, dict(parameters))
    except InvalidDocumentException as error:
        reasons = "; ".join(cause.message for cause in error.causes)
        raise EmulatorError(f"the template is not valid SAM: {reasons}") from error
    return translated


def _local_code(logical_id: str, resource: Template, path: Path) -> LocalCode:
    is_layer = resource["Type"] == _LAYER
    if not path.exists():
        raise EmulatorError(f"{logical_id}.{_LOCAL_CODE[resource['Type']]}: {path} does not exist")
    method = (resource.get("Metadata") or {}).get("BuildMethod")
    if method not in (None, "makefile") and not str(method).startswith("python3."):
        raise EmulatorError(
            f"{logical_id}: the emulator does not know BuildMethod {method}: it has makefile, python3.x"
        )
    return LocalCode(logical_id, path, is_layer=is_layer, build_method=method)


def _definition(folder: Path, uri: Any, logical_id: str) -> Any:
    if not isinstance(uri, str) or uri.startswith("s3://"):
        raise EmulatorError(f"{logical_id}.DefinitionUri: the emulator reads local files only, not {uri}")
    path = folder / uri
    try:
        return yaml_parse(path.read_text())  # JSON is YAML
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
        raise EmulatorError(f"{logical_id}.DefinitionUri: {path} cannot be read: {error}") from error
