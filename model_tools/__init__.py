"""Publish trained PyTorch models to AWS Lambda: proof before traffic, evidence during it, a way back after it.

The rooms: `packaging` (from a checkpoint to function code), `release` (from a version to live; pure),
`serving` (inside the inference function), `aws` (the only one that calls AWS), `workflow` (reads executions; pure)
and `cli`. `errors` and `manifest` are what all of them agree on.
"""
