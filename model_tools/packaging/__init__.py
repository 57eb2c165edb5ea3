"""Turns a checkpoint into the archive that a function serves: unpack, check, load, prove, pack.

This room owns all that makes a checkpoint trustworthy. Archives and zips are measured before they are opened, weights
are read as weights only, and trees are checked before XGBoost walks them. A user's code (architecture, TorchScript,
`.pt2`) runs in child processes alone, which hold no credentials. The process that calls this package imports neither
torch nor xgboost, and runs no code of the user.

The room refuses to call AWS, to read the environment for its own purposes, and to publish a model that it could not
prove.
"""
