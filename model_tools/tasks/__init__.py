"""The kinds of tasks. Each has a package that holds all knowledge about it.

`<kind>/spec.py` is pure: packaging, the smoke test, planning and the documentation read it. `<kind>/serve.py` answers
requests inside the inference function, and is imported there alone. `registry.py` lists the kinds.
"""
