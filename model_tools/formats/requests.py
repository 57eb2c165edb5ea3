"""The fields of a request that several kinds of tasks share. A task may have further ones: its spec names them."""

BATCH_FIELD = "requests"
"""Holds a list of requests, which are answered in their order."""
IMAGE_FIELDS = ("image", "url", "input_url")
"""An image as base64 or a data URL, or the address of one. A request brings one of them."""
TEXT_FIELDS = ("text", "texts")
"""A text, or a list of texts. A request brings one of them."""
NUMBER_FIELDS = ("input", "inputs")
"""Nested lists for the only input, or a list with one for each input. A request brings one of them."""
