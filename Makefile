# `make` or `make help` lists what there is; a line's words after ## are its help.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SECONDS := 300

.DEFAULT_GOAL := help
.PHONY: help setup demo test chaos check format lint types bench docs lock

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## install everything into .venv, once and again when the pins change

# With uv the same pins arrive in a tenth of the time; without it plain Python does.
$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Beforehand needs Python 3.11 or newer, \
	and $(PYTHON) is " + sys.version.split()[0] + ". If a newer one is installed: make PYTHON=python3.12")'
	@echo "installing into $(VENV), which takes about a minute"
	@if command -v uv >/dev/null; then \
		test -x $(BIN)/python || uv venv --quiet --python "$$(command -v $(PYTHON))" $(VENV); \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.txt && \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else \
		test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

demo: $(STAMP) ## watch the car story happen, in about half a minute
	@$(BIN)/beforehand demo

test: $(STAMP) ## run every test
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 3 --dist loadfile

chaos: $(STAMP) ## kill, freeze and cut off real processes, which takes minutes
	$(BIN)/python -m pytest tests/chaos
	$(BIN)/python -m tests.chaos --database sqlite --seconds $(SECONDS)
	$(BIN)/python -m tests.chaos --database postgres --seconds $(SECONDS)

check: format lint types test ## everything a change must pass: format, lint, types, tests

format: $(STAMP) ## put the code into its one format
	$(BIN)/ruff format .
	$(BIN)/ruff check --select I --fix --quiet .

lint: $(STAMP) ## look for mistakes and habits we do not want
	$(BIN)/ruff check .

types: $(STAMP) ## check the types, strictly
	$(BIN)/mypy

bench: $(STAMP) ## measure, each figure as a ratio to a floor of the same run
	$(BIN)/python -m bench

docs: $(STAMP) ## write the generated pages of docs/reference again
	$(BIN)/python docs/generate.py

lock: ## pin the dependencies again, for every Python from 3.11 on (needs uv)
	uv pip compile --universal --generate-hashes --no-header --no-annotate --python-version 3.11 \
		--extra test --extra build --upgrade -o requirements.txt pyproject.toml
