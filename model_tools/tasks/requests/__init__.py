"""The ways in which requests bring their input: as an image, a text, or numbers. Pure.

Each says which fields it has, whether a manifest fits it, and how a sample is made up that any such model must answer.
"""
