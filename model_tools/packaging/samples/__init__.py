"""Collects the samples that a new version must answer before it gets traffic."""
