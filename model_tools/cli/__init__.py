"""The command `model-tools`: parse, compose, print, and end with a code.

It owns words on a terminal, JSON for machines, exit codes and the files of this machine. What AWS is asked is in `aws`,
what an execution's history means in `workflow`, what a manifest or a rollout may be in `manifest` and `release`. The
emulator is one more endpoint to it: it is started as a process of its own and never imported.

Exit codes: 0 done; 1 the user can put it right, or the publication was refused; 2 a bug or a service's fault;
130 interrupted with Ctrl-C.
"""
