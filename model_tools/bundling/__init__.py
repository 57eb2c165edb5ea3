"""Builds a runtime bundle from an installed library or its wheels: only the used files, stripped, compiled and proved.

This room decides the contents and the bytes of a bundle. The used files are found by use: the exercises publish and
serve a small model of every kind. The room runs on a developer's machine or in CI, never inside a function, and uploads
nothing.
"""
