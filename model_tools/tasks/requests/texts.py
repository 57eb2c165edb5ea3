"""Requests that bring text."""

from collections.abc import Sequence
from random import Random

from model_tools.errors import ManifestInvalid
from model_tools.formats.manifest import Manifest
from model_tools.formats.requests import TEXT_FIELDS
from model_tools.formats.vocabulary import SPECIAL
from model_tools.tasks.requests.form import RequestForm

USUAL_TOKENS = 5
"""The number of tokens of a made-up text, if the model takes so many."""


class TextRequests(RequestForm):
    """Requests that bring a text or several, whose token ids are the model's input."""

    def fields(self, manifest: Manifest) -> tuple[str, ...]:  # noqa: ARG002 (all forms have this parameter)
        """Return the fields that bring text."""
        return TEXT_FIELDS

    def made_up(self, manifest: Manifest, vocabulary: Sequence[str], chance: Random) -> dict[str, dict[str, object]]:
        """Return events with a text and two texts of a few tokens, none of them special and none blank."""
        tokens = [token for token in vocabulary if not SPECIAL.fullmatch(token) and token.strip()]
        if not tokens:
            raise ManifestInvalid("text.source_vocabulary has special tokens only: add the tokens of its texts.")
        bounds = manifest.axis_sizes(str(manifest.inputs[0].shape[1]))
        count = max(bounds.min, min(bounds.max, USUAL_TOKENS))
        joint = " " if manifest.text is not None and manifest.text.tokens == "words" else ""
        texts = [joint.join(chance.choice(tokens) for _ in range(size)) for size in (count, bounds.min)]
        return {"text": {"text": texts[0]}, "texts": {"texts": texts}}
