# make check   sets up a private environment and checks the reference receiver, both profiles
# make test    sets up the same and runs linters, type checker and tests
# make bench   sets up the same and measures receivers side by side (docs/benchmarks.md)
# make crash   sets up the same and kills the reference receiver a few hundred times (docs/durability.md)
# make audit   asks whether a weakness of a dependency is known (needs the network)
# make docs    writes docs/contract.md and docs/kill-matrix.md anew

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   ?= .venv
BIN    := $(VENV)/bin
JOBS   ?= 3

# A switch of the environment against bytecode would have every process compile all of it anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup check test lint units mutants crash audit bench bench-run bench-peers docs stability clean

help:
	@sed -n 's/^# make/make/p' Makefile

# The stamp is younger than what it was made from, or the environment is made anew.
$(VENV)/.made: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "calcontract needs Python 3.11 or newer; name one with PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

setup: $(VENV)/.made

check: setup
	$(BIN)/calcontract check --profile guide --profile calcom

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/pytest -n $(JOBS) --dist worksteal

units: setup
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m 'not slow'

mutants: setup
	MUTANTS=thorough $(BIN)/pytest -n $(JOBS) --dist worksteal tests/test_mutants.py

crash: setup
	CRASH=thorough $(BIN)/pytest -s tests/crash

bench: setup
	$(BIN)/python bench/receivers.py
	$(BIN)/python bench/run_time.py

bench-run: setup
	$(BIN)/python bench/run_time.py

# The packages of the receiver that ours is measured against; without them it is left out.
bench-peers:
	cd bench/peers/fastify && npm install --no-package-lock --no-audit --no-fund

# In an environment of its own: the auditor's dependencies are none of ours.
audit: setup
	$(PYTHON) -m venv build/audit
	build/audit/bin/pip install --quiet --upgrade pip-audit
	$(BIN)/pip freeze --exclude-editable > build/audit/requirements.txt
	build/audit/bin/pip-audit --strict --disable-pip --no-deps --requirement build/audit/requirements.txt

docs: setup
	$(BIN)/python -m calcontract.report.contract > docs/contract.md.new
	$(BIN)/python tests/mutants/matrix.py > docs/kill-matrix.md.new
	mv docs/contract.md.new docs/contract.md
	mv docs/kill-matrix.md.new docs/kill-matrix.md

stability: setup
	$(BIN)/python bench/stability.py

clean:
	rm -rf $(VENV) bench/peers/fastify/node_modules build dist reports .pytest_cache .mypy_cache .ruff_cache .hypothesis
