"""Writes the files of a publication reproducibly: `model.tar.gz`, the TorchScript in it, and a function's zip."""
