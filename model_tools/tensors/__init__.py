"""The arithmetic that packaging proves and serving performs: both must do it by the same code. It needs torch."""
