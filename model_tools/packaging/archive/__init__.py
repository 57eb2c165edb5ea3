"""The files that packaging writes, reproducibly: `model.tar.gz`, the TorchScript in it, and the zip of a function."""
