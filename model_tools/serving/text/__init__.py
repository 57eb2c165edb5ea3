"""Turns texts into token ids and back, and searches for the likeliest text."""
