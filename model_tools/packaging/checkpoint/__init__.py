"""Finds, pins, fetches, unpacks and examines a checkpoint before any of it is loaded.

The package also loads the checkpoint (weights, architecture, compiled files). That runs code of the checkpoint's
author, so it happens in child processes alone. A checkpoint that is damaged, dangerous or too large is refused.
"""
