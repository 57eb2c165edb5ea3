"""Loaded models, one module for each library that runs them, and the conversion of their inputs and outputs."""
