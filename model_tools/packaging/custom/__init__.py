"""Collects the code of a custom model, its predictor, files and pure-Python packages, without importing any of it."""
