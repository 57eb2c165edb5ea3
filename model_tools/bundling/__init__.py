"""From an installed library, or its wheels, to a runtime bundle: only what is used, stripped, compiled, proved.

It owns what a bundle holds and how its bytes come about. What is used is found out by using it: the exercises publish
and serve a small model of every kind. It runs on a developer's machine or in CI, never inside a function, and uploads
nothing.
"""
