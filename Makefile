# Every target sets up what it needs; a new machine needs Python 3.11–3.13, make and a network.
PYTHON ?= python3
WORKERS ?= 3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS)

.PHONY: help setup hooks demo fix lint types unit test definitions reference clean

help:                ## list the targets
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/\1 \2/p' $(MAKEFILE_LIST) | while read -r target text; do printf '%-10s %s\n' "$$target" "$$text"; done

setup: $(VENV)/.ready  ## make a virtual environment with everything in it

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) and "Python 3.11, 3.12 or 3.13 is needed (PYTHON=python3.12 make …); this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: setup          ## train models, publish them, watch a good one go live and bad ones be refused
	$(BIN)/python examples/demo.py

fix: setup           ## repair what ruff can repair, format, and show what is left
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/ruff check .

lint: setup          ## check style, format and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup         ## check types
	$(BIN)/mypy

unit: setup          ## run the unit tests, in well under a minute
	$(PYTEST) tests/unit

test: setup lint types  ## check everything that must hold; WORKERS=1 runs one test at a time
	$(PYTEST) tests/unit tests/contract
	$(PYTEST) --dist loadfile tests/integration
	$(PYTEST) --dist loadfile tests/e2e

hooks: setup         ## have git check each commit before it is made
	$(BIN)/pre-commit install

reference: setup     ## write docs/reference/command-line.md from the commands
	$(BIN)/python -m model_tools.cli.reference > docs/reference/command-line.md

definitions: setup   ## write the state machines that AWS takes from their sources in statemachine/, and their tables
	$(BIN)/python -m statemachine
	$(BIN)/python -m tests.support.documentation.state_tables

clean:               ## remove what setup made
	rm -rf $(VENV) build *.egg-info
