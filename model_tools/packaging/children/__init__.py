"""Child processes in which users' code runs: without credentials, fenced, and ended together with all they started."""
