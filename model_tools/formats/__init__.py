"""The documents and messages that the rooms exchange: their names, fields, defaults and limits. Pure.

It reads text that is handed in, never a file, a clock or the environment, and knows neither AWS nor torch. What is
written by one room and read by another has its one home here.
"""
