"""The only room that calls AWS: one small adapter a service.

An adapter takes a boto3 client, speaks in our own types, and turns error codes into errors that say what to do. It
decides nothing.
"""
