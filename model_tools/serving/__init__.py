"""The inside of the inference function: load the model, then preprocess → predict → respond for each request.

This room owns the form of requests and answers. It knows nothing of how a model was packaged or released, calls no AWS
service by itself (its callers hand in the functions that read and write objects), and lets nothing of a request reach
a log.
"""
