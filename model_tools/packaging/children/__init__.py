"""Processes in which code of users runs: started without credentials, fenced, and ended without a trace."""
