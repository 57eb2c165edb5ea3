"""The arithmetic that packaging proves and serving performs, so both must do it by the same code. Needs torch."""
