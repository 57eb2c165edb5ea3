"""Task `custom`: a model that brings serving code of its own."""
