# Everything a contributor runs. `make` alone lists the targets from their ## comments.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON     ?= python3
JOBS       ?= 2
BACKEND    ?=
FOLDER     ?= docs
ITERATIONS ?=
AOF        ?=
TWINS      ?= 200
KILLS      ?= 100
RUNS       ?= 10000
FAULTS     ?= 50000
SEED       ?= 1
URL        ?=

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
UV    := $(firstword $(wildcard $(BIN)/uv) $(shell command -v uv 2>/dev/null))
# AGAIN: options of CI, which runs a failed test once more
TEST  := $(BIN)/python -m pytest $(AGAIN)
FAST  := -n $(JOBS) -m "not crash and not slow"
CODE  := src tests tools $(wildcard benches examples)

export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
# where this is set, each process that a test starts would compile all that it imports
unexport PYTHONDONTWRITEBYTECODE
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

conformance: setup ## the contract, on every backend or one [BACKEND=memory|sqlite|redis|redis-cluster]
	BACKEND=$(BACKEND) URL="$(URL)" $(TEST) -n $(JOBS) tests/conformance

waits: setup ## no parent waits without a visible reason: every combination [BACKEND=memory|sqlite|redis]
	WAITS=1 BACKEND=$(BACKEND) URL="$(URL)" $(TEST) -n 0 tests/conformance/test_no_silent_wait.py -k no_parent

twins: setup ## random sequences on two stores at once [TWINS=200 of them]
	BACKEND=$(BACKEND) URL="$(URL)" TWINS=$(TWINS) $(TEST) -n $(JOBS) -m twins tests/conformance

crash: setup ## real processes, killed at named points [KILLS=100 RUNS=10000 BACKEND=sqlite|redis|redis-cluster]
	BACKEND=$(BACKEND) KILLS=$(KILLS) RUNS=$(RUNS) $(TEST) -m crash tests/crash

slots: setup ## are the slots of a limit used? at least 80 % of the ideal, on a quiet machine [BACKEND=sqlite|redis]
	BACKEND=$(BACKEND) STRICT=1 $(TEST) -n 0 -m crash tests/crash/test_limits.py -k used

faults: setup ## cut connections and swallowed answers under load, on Redis [FAULTS=50000 SEED=1]
	FAULTS=$(FAULTS) $(TEST) -n 0 tests/redis/test_faults.py -k "never_come and new"

slow-faults: setup ## each fault at each store call of a workflow, of flows, of graphs, then pairs [BACKEND= PAIRS=60 SEED=1]
	BACKEND=$(BACKEND) FAULTY_PAIRS=$(or $(PAIRS),60) SEED=$(SEED) $(TEST) -n 0 -s -m slow \
		tests/faults tests/workflows/test_faults.py

crash-flows: setup ## fan-in and cancelled flows among killed workers [FANIN=10000 CANCELS=1000 BACKEND=sqlite|redis]
	BACKEND=$(BACKEND) FANIN=$(or $(FANIN),10000) CANCELS=$(or $(CANCELS),1000) $(TEST) -n 0 -m crash \
		tests/crash/test_flows.py

sleepers: setup ## workflows that sleep cost storage only [SLEEPERS=100000 BACKEND=sqlite|redis]
	SLEEPERS=$(or $(SLEEPERS),100000) BACKEND=$(or $(BACKEND),sqlite) $(TEST) -n 0 -s tests/workflows/test_sleepers.py

fuzz: setup ## ask the served app whatever its description allows, and what not [EXAMPLES=50 SEED=1]
	EXAMPLES=$(or $(EXAMPLES),50) SEED=$(SEED) $(TEST) -n 0 tests/web/test_described.py

mutants: setup ## is the conformance suite awake? each mutant must make it fail
	$(BIN)/python tools/mutants.py

bench: setup ## speed beside the installed peers [BACKEND=sqlite|redis|all ITERATIONS=1 for a smoke run AOF=everysec]
	$(BIN)/python benches/run.py --backend $(or $(BACKEND),sqlite) $(if $(ITERATIONS),--iterations $(ITERATIONS)) \
		$(if $(AOF),--aof $(AOF))

redis-times: setup ## how long each script keeps a Redis, at the size of its largest batch
	$(BIN)/python benches/redis_times.py

bench-plots: setup ## write tables and plots of docs/why/speed.md anew, from the results that are stored
	$(BIN)/python benches/publish.py

bench-docs: setup ## measure all in full on a quiet machine, then write tables and plots of docs/why/speed.md
	$(BIN)/python benches/run.py --backend all
	$(BIN)/python benches/publish.py

docs-test: setup ## every example runs, every public name and command is documented
	$(TEST) tests/docs

map: setup ## the tree with each module's first line
	@$(BIN)/python tools/map.py

diagram: setup ## the states and moves of a run, as a Mermaid diagram
	@$(BIN)/python tools/diagram.py

reference: setup ## write docs/reference/api.md anew, from signatures and docstrings
	@$(BIN)/python tools/reference.py > $(VENV)/.reference && mv $(VENV)/.reference docs/reference/api.md

schema: setup ## write docs/reference/blueprint.schema.json anew, from the records
	@$(BIN)/python tools/schema.py > $(VENV)/.schema && mv $(VENV)/.schema docs/reference/blueprint.schema.json

mermaid: setup ## give drawings of blueprints to the real Mermaid (needs node and npm)
	@npm install --silent --no-audit --no-fund --prefix $(VENV)/mermaid mermaid@11 jsdom@29
	$(BIN)/python tools/mermaid.py $(VENV)/mermaid

wheel-test: setup ## build the wheel, install it elsewhere, type-check a user's program against it
	$(BIN)/python tools/wheel_test.py

requirements: ## compile requirements/*.txt anew from *.in (needs uv)
	tools/requirements.sh $(UV)

clean: ## remove what building and testing left, but not .venv
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help setup run test test-all check format format-check lint types contracts architecture spelling \
	conformance twins waits crash crash-flows slots faults slow-faults sleepers fuzz mutants bench docs-test map \
	diagram reference schema mermaid wheel-test requirements clean
