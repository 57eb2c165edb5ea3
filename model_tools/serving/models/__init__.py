"""Loaded models, by the library that runs them, and the numbers that go in and come out."""
