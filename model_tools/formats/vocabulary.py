"""The special tokens of a vocabulary file: no text can bring them, and models of text rely on their meaning."""

import re

UNKNOWN, PADDING, BEGIN, END = "<unk>", "<pad>", "<bos>", "<eos>"
UNSPOKEN = (PADDING, BEGIN, END)
"""Special tokens that are no part of a text."""
SPECIAL = re.compile(r"<[^<>\s]+>")
"""Matches any special token, also those of a model's own."""
