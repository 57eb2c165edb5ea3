"""From a checkpoint to what a function serves: unpack, check, load, prove, pack.

It owns what makes a checkpoint trustworthy: archives and zips are measured before they are opened, weights are read
as weights only, trees are walked before XGBoost walks them, and a user's code (their architecture, TorchScript, `.pt2`)
runs in child processes alone, which hold no credentials. The process that calls this package imports neither torch nor
xgboost and runs nothing of the user's.

It refuses to call AWS, to read the environment for its own purposes, and to publish what it could not prove.
"""
