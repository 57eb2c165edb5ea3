"""What a runtime is used for, as programs: they are run to see what it needs, and again to prove that it is there.

Each runs in a process of its own that sees the library and nothing else of this machine.
"""
