"""Python packages for function zips, for layers, and for the Python that functions run on.

Owns the work that `sam build` does for AWS, without a network: the requirements of a requirements file are taken from
the distributions that are installed beside the emulator, in the versions that it asks for. It refuses requirements that
are not installed. It imports none of the emulator's services, so that a build can run it as a program.
"""
