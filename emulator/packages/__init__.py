"""Which Python packages go where: into function zips, into layers, into the Python that functions run on.

Owns the step that `sam build` is on the way to AWS, without a network: what a requirements file asks for is taken from
the distributions that are installed beside the emulator, in the versions asked for or not at all. It imports nothing
of the emulator's services, so that a build may run it as a program.
"""
