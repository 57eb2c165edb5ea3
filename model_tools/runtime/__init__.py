"""Brings the library that runs models into a function: fetches a runtime bundle, verifies it, and makes it importable.

This room turns a bundle's bytes into importable modules, in a folder or in memory, and decides which bundles are
refused. It knows no model and no AWS service (its callers hand in the function that opens objects), and builds no
bundle.
"""
