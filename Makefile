# Everything a contributor runs. `make` alone lists the targets from their ## comments.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON     ?= python3
JOBS       ?= 2
BACKEND    ?=
FOLDER     ?= docs
ITERATIONS ?=
TWINS      ?= 200
KILLS      ?= 100
RUNS       ?= 10000

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
UV    := $(firstword $(wildcard $(BIN)/uv) $(shell command -v uv 2>/dev/null))
TEST  := $(BIN)/python -m pytest
FAST  := -n $(JOBS) -m "not crash and not slow"
CODE  := src tests tools $(wildcard benches examples)

export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## create .venv with all that the other targets need (hashed requirements)

# uv where it is at hand, else pip; both refuse what the hashes do not name, and build nothing in isolation.
$(READY): requirements/dev.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Penstock needs Python >= 3.11; try make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing requirements/dev.txt into $(VENV)"
ifneq ($(UV),)
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --reinstall-package penstock -e .
else
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
endif
	@touch $@

run: setup ## index a folder of text on the embedded default [FOLDER=docs]
	$(BIN)/python examples/index_folder.py $(FOLDER)

test: setup ## the fast suite
	$(TEST) $(FAST)

test-all: setup ## everything, crash tests and slow ones included
	$(TEST) -n $(JOBS)

check: format-check lint types contracts architecture spelling ## all that can be said without running the program

format: setup ## format the code
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --select I --fix $(CODE)

format-check: setup
	$(BIN)/ruff format --check $(CODE)

lint: setup
	$(BIN)/ruff check $(CODE)

types: setup ## mypy and pyright, both strict
	$(BIN)/mypy $(CODE)
	$(BIN)/pyright $(CODE)

contracts: setup ## imports point down, strangers stay strangers, no cycles
	$(BIN)/lint-imports --no-logo

architecture: setup
	$(TEST) -p no:randomly -p no:xdist tests/architecture

spelling: setup
	$(BIN)/codespell

conformance: setup ## the contract, on every backend or one [BACKEND=memory|sqlite]
	BACKEND=$(BACKEND) $(TEST) -n $(JOBS) tests/conformance

twins: setup ## random sequences on two stores at once [TWINS=200 of them]
	BACKEND=$(BACKEND) TWINS=$(TWINS) $(TEST) -n $(JOBS) -m twins tests/conformance

crash: setup ## real processes, killed at named points [KILLS=100 RUNS=10000]
	KILLS=$(KILLS) RUNS=$(RUNS) $(TEST) -m crash tests/crash

mutants: setup ## is the conformance suite awake? each mutant must make it fail
	$(BIN)/python tools/mutants.py

bench: setup ## speed beside the installed peers [ITERATIONS=1 for a smoke run]
	$(BIN)/python benches/run.py $(if $(ITERATIONS),--iterations $(ITERATIONS))

docs-test: setup ## every example runs, every public name and command is documented
	$(TEST) tests/docs

map: setup ## the tree with each module's first line
	@$(BIN)/python tools/map.py

diagram: setup ## the states and moves of a run, as a Mermaid diagram
	@$(BIN)/python tools/diagram.py

reference: setup ## write docs/reference/api.md anew, from signatures and docstrings
	@$(BIN)/python tools/reference.py > $(VENV)/.reference && mv $(VENV)/.reference docs/reference/api.md

wheel-test: setup ## build the wheel, install it elsewhere, type-check a user's program against it
	$(BIN)/python tools/wheel_test.py

requirements: ## compile requirements/*.txt anew from *.in (needs uv)
	tools/requirements.sh $(UV)

clean: ## remove what building and testing left, but not .venv
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help setup run test test-all check format format-check lint types contracts architecture spelling \
	conformance twins crash mutants bench docs-test map diagram reference wheel-test requirements clean
