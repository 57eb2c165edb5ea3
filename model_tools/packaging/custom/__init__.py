"""The code that a custom model brings: predictor, files beside it, pure-Python packages. None of it is imported."""
