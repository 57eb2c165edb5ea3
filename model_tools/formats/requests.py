"""The request fields that several kinds of tasks share. A task's spec names the further fields of its own."""

BATCH_FIELD = "requests"
"""The field with a list of requests, which are answered in their order."""
IMAGE_FIELDS = ("image", "url", "input_url")
"""`image` holds an image as base64 or a data URL; the others hold its address. A request has one of the fields."""
TEXT_FIELDS = ("text", "texts")
"""`text` holds one text, `texts` a list of them. A request has one of the fields."""
NUMBER_FIELDS = ("input", "inputs")
"""`input` holds nested lists for a model's only input, `inputs` such lists for each input. A request has one field."""
