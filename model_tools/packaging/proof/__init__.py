"""The trace of a PyTorch model, and the proof that it answers as the trained model does.

One child process loads, answers and traces; another, with none of the code of the model near it, compares. It refuses
to pass a model whose answers differ by more than the tolerance.
"""
