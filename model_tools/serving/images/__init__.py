"""The image that a request brings or names: read, or fetched from where the caller could reach it without us."""
