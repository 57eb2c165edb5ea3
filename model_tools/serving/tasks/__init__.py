"""A module for each kind of task: what it reads from a request and says in its answer. See `serving.task`."""
