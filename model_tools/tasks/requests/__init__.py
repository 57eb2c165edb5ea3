"""The forms of requests, which bring an image, a text or numbers. Pure.

Each form knows its fields and whether a manifest fits them, and makes up a sample that any such model must answer.
"""
