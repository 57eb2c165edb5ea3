"""From a version to live: what is asked for, what is pinned, how traffic moves, what is kept.

All of it is pure: values in, values out. It reads no clock, no environment and no cloud, and decides nothing about
how a model is packaged or served.
"""
