"""The samples that a new version is asked before it gets traffic: read from the folder of the model, or made up."""
