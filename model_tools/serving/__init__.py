"""Inside the inference function: load → preprocess → predict → respond.

It owns what a request may say and what its answer looks like. It knows nothing of how a model was packaged or
released, calls no AWS service by itself (whoever opens objects is handed in), and lets nothing of a request reach a
log.
"""
