"""The special tokens of a vocabulary file. A text never contains them; models of text rely on their meaning."""

import re

UNKNOWN, PADDING, BEGIN, END = "<unk>", "<pad>", "<bos>", "<eos>"
CONTROL_TOKENS = (PADDING, BEGIN, END)
"""The special tokens that stand in no text: a text is written without them, and read they count as unknown."""
SPECIAL = re.compile(r"<[^<>\s]+>")
"""Matches any special token, also one that only a single model uses."""
