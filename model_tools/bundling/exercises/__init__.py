"""Programs that use a runtime: they run once to find the files that are used, and again to prove that a bundle works.

Each program runs in a process of its own that can import the runtime's library and the functions' layer alone.
"""
