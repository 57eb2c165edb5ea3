"""Reading a SAM template and turning it into plain CloudFormation."""

from __future__ import annotations

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

Template = dict[str, Any]

# SAM counts what it translates and complains at exit that nobody asked for the numbers.
logging.getLogger("samtranslator.metrics").setLevel(logging.ERROR)

# Where a SAM resource names local code, and what kind of thing it is.
_LOCAL_CODE = {
    "AWS::Serverless::Function": ("CodeUri", "Function"),
    "AWS::Serverless::LayerVersion": ("ContentUri", "LayerVersion"),
}


def read_template(path: Path) -> Template:
    """Return the template as it is written; EmulatorError when it is not one."""
    try:
        template = yaml_parse(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
        raise EmulatorError(f"{path}: cannot be read as a template: {error}") from error
    if not isinstance(template, dict) or not isinstance(template.get("Resources"), dict):
        raise EmulatorError(f"{path}: has no Resources: name a SAM or CloudFormation template")
    return template


def bring_in_local_code(template: Template, folder: Path, upload: Callable[[Path, str], str]) -> None:
    """Put S3 URIs where the template names local code, and definitions where it names files.

    `upload` takes a folder or zip file and the kind of code, and returns its `s3://` URI.
    """
    shared = template.get("Globals", {}).get("Function", {})
    if isinstance(shared.get("CodeUri"), str):
        shared["CodeUri"] = _uploaded(folder, shared["CodeUri"], "Function", "Globals.Function.CodeUri", upload)
    for logical_id, resource in template["Resources"].items():
        properties = resource.get("Properties") or {}
        if resource.get("Type") in _LOCAL_CODE:
            name, kind = _LOCAL_CODE[resource["Type"]]
            if isinstance(properties.get(name), str):
                where = f"{logical_id}.{name}"
                properties[name] = _uploaded(folder, properties[name], kind, where, upload)
        if resource.get("Type") == "AWS::Serverless::StateMachine" and "DefinitionUri" in properties:
            properties["Definition"] = _definition(folder, properties.pop("DefinitionUri"), logical_id)


def translate(template: Template, parameters: Mapping[str, str]) -> Template:
    """Return the template with SAM's resources replaced by CloudFormation's."""
    translator = Translator({}, Parser(), boto_session=boto3.session.Session(region_name=REGION))
    try:
        return translator.translate(template, dict(parameters))
    except InvalidDocumentException as error:
        reasons = "; ".join(cause.message for cause in error.causes)
        raise EmulatorError(f"the template is not valid SAM: {reasons}") from error


def _uploaded(folder: Path, uri: str, kind: str, where: str, upload: Callable[[Path, str], str]) -> str:
    if uri.startswith("s3://"):
        return uri
    path = folder / uri
    if not path.exists():
        raise EmulatorError(f"{where}: {path} does not exist")
    return upload(path, kind)


def _definition(folder: Path, uri: Any, logical_id: str) -> Any:
    if not isinstance(uri, str) or uri.startswith("s3://"):
        raise EmulatorError(f"{logical_id}.DefinitionUri: the emulator reads local files only, not {uri}")
    path = folder / uri
    try:
        return yaml_parse(path.read_text())  # JSON is YAML
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
        raise EmulatorError(f"{logical_id}.DefinitionUri: {path} cannot be read: {error}") from error
