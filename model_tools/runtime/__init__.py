"""The library that runs models, inside a function: fetched as a runtime bundle, verified, and only then importable.

It owns what a bundle is called, how its bytes become importable modules (in a folder or in memory), and what is
refused. It knows no model and no AWS service (whoever opens objects is handed in), and builds no bundle.
"""
