"""Task `custom`: the own code of a model, around it."""
