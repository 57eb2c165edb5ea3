"""AWS on one machine: moto, the repairs that the publishing workflow needs, and functions as real processes.

It knows nothing of models: it deploys a SAM template and then is an endpoint URL. It refuses whatever it cannot do, and
never makes a success up.
"""
