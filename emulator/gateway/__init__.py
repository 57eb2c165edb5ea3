"""The way in: the HTTP server, the front door that every request passes, and the endpoints that need no SDK.

Owns the connection, the caller's identity at the door, interruptions on request, Function URLs and HTTP APIs. It
decides nothing about a request's content: services answer for themselves.
"""
