"""The documents and messages that the rooms exchange: their names, fields, defaults and limits.

A format that one room writes and another reads has its only home here. The package works on values that it is given:
it reads no clock and no environment of its own, and knows neither AWS nor torch.
"""
