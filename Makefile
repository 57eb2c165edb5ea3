# `make demo` and `make test` set up all they need; a new machine needs Python 3.11–3.13, make and a network.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help setup demo test lint types definitions clean

help:                ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/'

setup: $(VENV)/.ready  ## a virtual environment with everything in it

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) and "Python 3.11, 3.12 or 3.13 is needed (PYTHON=python3.12 make …); this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: setup          ## train models, publish them, watch a good one go live and bad ones be refused
	$(BIN)/python examples/demo.py

test: setup lint types  ## everything that must hold
	$(BIN)/python -m pytest --numprocesses 3 tests/unit tests/contract
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile tests/integration
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile tests/e2e

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup
	$(BIN)/mypy

definitions: setup   ## write the state machines that AWS takes from their sources in statemachine/
	$(BIN)/python -m statemachine

clean:               ## remove what setup made
	rm -rf $(VENV) build *.egg-info
