"""Texts to token ids and back, and the search for the likeliest text."""
