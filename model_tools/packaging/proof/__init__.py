"""Traces a PyTorch model and proves that the trace answers as the trained model does.

One child process loads the model, records its answers and traces it. Another, which imports no code of the user,
compares the trace's answers with the recorded ones. A third one builds the model again, under other seeds, so that
state which the checkpoint does not hold is found. A model whose answers differ by more than the tolerance is refused.
"""
