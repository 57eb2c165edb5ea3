"""The names of the registry's records: the state machines write them, the adapter of the registry reads them.

Every item has the inference function's name as its hash key, `function`, and one of these as its sort key, `record`.
"""

LEASE = "lease"
"""The execution that may change the function now."""
LIVE = "live"
"""The release that was recorded as live last."""
RELEASE = "release#"
"""One publication, released or failed; the execution's name follows."""
RETRAINING = "retrain#"
"""One retraining that failed; the execution's name follows."""
