"""Reads what XGBoost's scikit-learn wrappers note about themselves in the files that they save. Pure.

Since version 2 they note nothing but their kind; older ones noted all their parameters.
"""

import json
from collections.abc import Mapping
from typing import Any

ATTRIBUTE = "scikit_learn"
"""The attribute of a model that only a wrapper's `save_model` writes."""


def wrapper_parameters(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parameters of the wrapper that saved a model; empty for another model, and where none are noted."""
    try:
        parameters = json.loads(str(attributes.get(ATTRIBUTE)))
    except (ValueError, RecursionError):
        return {}
    return parameters if isinstance(parameters, dict) else {}


def note_on_missing(parameters: Mapping[str, Any]) -> str | None:
    """Return a sentence for the evidence if a number stood for a missing value in training; None otherwise."""
    missing = parameters.get("missing")
    if not isinstance(missing, int | float) or missing != missing:  # noqa: PLR0124 (NaN alone is not itself)
        return None
    return (
        f"The model was trained with missing={missing:g}, so {missing:g} stood for a missing value there. In a request "
        f"null is a missing value, and {missing:g} is a number like any other."
    )
