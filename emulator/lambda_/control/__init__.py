"""Lambda's control plane: functions, versions, aliases, layers and URLs as the API describes and changes them.

Owns what the API promises (states, revisions, guards, limits of a configuration) and which version an invocation runs.
It runs no function: the runtime does.
"""
