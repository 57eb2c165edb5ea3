"""Reads executions: from Step Functions' events to visits of states, and to the changes since the last look.

It owns the meaning of history events and of causes. It is pure: events and times come in as values, nothing is asked of
AWS and nothing is printed here.
"""
