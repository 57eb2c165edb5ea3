"""Publish trained PyTorch models to AWS Lambda: proof before traffic, evidence during it, a way back after it.

Each package is a room that owns one concern: `packaging` turns a checkpoint into function code, `release` decides how
a version goes live, `serving` answers requests inside the inference function, `runtime` and `bundling` bring torch into
a function, `planning` foretells a publication, `workflow` reads executions, `aws` alone calls AWS, and `cli` is the
command line. All of them agree on `errors`, `formats` and `tasks`; `tensors` is shared by packaging and serving.
"""
