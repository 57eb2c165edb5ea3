"""Reads the image that a request brings, or fetches it from a place that the caller could reach without us."""
