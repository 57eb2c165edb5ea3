"""The checkpoint as it arrives: found, pinned, fetched, unpacked, and examined before anything of it is loaded.

Also loads it (weights, architecture, compiled files), which runs the code of its author and so happens in child
processes alone. It refuses what is damaged, dangerous, or larger than the limits.
"""
