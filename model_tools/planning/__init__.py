"""Tells what a publication would do and cost before anything is written: sizes, places, memory, limits and prices.

This room owns the table of prices, the limits that a plan compares with, and the measuring of a packaged model in a
child process. It reads models and bundles on this machine only, leaves nothing behind, and calls no service.
"""
