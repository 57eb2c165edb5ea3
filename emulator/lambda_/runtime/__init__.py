"""Lambda's data plane: execution environments as real processes under AWS's runtime interface client.

Owns processes, the Runtime API, pools of environments, snapshots, the limits of memory and /tmp, and function logs.
It knows no API call: it runs the state of a function that the control plane hands over.
"""
