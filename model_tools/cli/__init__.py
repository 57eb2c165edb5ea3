"""The command `model-tools`: parse, compose, print, and end with a code.

It owns the words on a terminal, the JSON for machines, the exit codes and the user's own files. It decides nothing
about models: `aws` talks to AWS, `workflow` reads an execution's history, `formats` says what a manifest may be and
`release` what a rollout may be. The emulator is one more endpoint to it: started as a process of its own and never
imported.

A command is a function in the module of its name. It declares its own options; `command` adds those that commands
share.

The exit codes are 0: done; 1: the user can put it right, or the publication was refused; 2: a bug or a service's fault;
130: interrupted with Ctrl-C.
"""
