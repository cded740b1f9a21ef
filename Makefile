# Everything that is done to this repository. `make` lists it; every target sets up what it needs first.

PYTHON ?= python3
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --quiet --disable-pip-version-check
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header $(UPGRADE)

.DEFAULT_GOAL := help
.PHONY: help install graphiql run test check format schema bench lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.installed graphiql ## Set up .venv with the locked packages, and the GraphiQL page

run: install ## Start the gateway on http://127.0.0.1:8000/graphql with simulated providers
	@$(BIN)/trackgraph dev $(ARGS)

# Files are given out in the order of tests/conftest.py. A good part of the time of some is waiting, so there are more
# processes than the two cores that the suite is meant for. Python is started some hundred times, which is quicker
# where it may keep what it compiled.
test: install ## Run the whole suite (ARGS="-k freshness" for a part)
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: install ## Format, lint, types, import rules, published schema, pages of settings and metrics
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/trackgraph schema --check
	$(BIN)/trackgraph settings-docs --check
	$(BIN)/trackgraph metrics-docs --check

format: $(VENV)/.installed ## Format the code and mend what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: $(VENV)/.installed ## Write schema.graphql, docs/settings.md and docs/metrics.md from the code
	$(BIN)/trackgraph schema
	$(BIN)/trackgraph settings-docs
	$(BIN)/trackgraph metrics-docs

bench: install ## Time the gateway beside other servers, into docs/performance.md (ARGS="peers" for a part)
	$(BIN)/python -m benchmarks $(or $(ARGS),--write)

lock: $(VENV)/.packages ## Write the lock files from pyproject.toml (UPGRADE=--upgrade for newer versions)
	$(COMPILE) pyproject.toml --extra otel --output-file requirements.lock
	$(COMPILE) pyproject.toml --extra otel --group dev --output-file requirements-dev.lock
	$(COMPILE) --group build --output-file requirements-build.lock
	$(COMPILE) tests/providers/paypal/sdk/requirements.in --output-file tests/providers/paypal/sdk/requirements.lock

clean: ## Remove everything that these targets made, .venv too
	rm -rf $(VENV) tests/providers/paypal/sdk/.venv frontend/node_modules tests/audits/node_modules \
		benchmarks/peers/node/node_modules gateway/http/graphiql/static build dist *.egg-info \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -f trackgraph-dev.db trackgraph-dev.db-shm trackgraph-dev.db-wal
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The build script knows by itself whether the bundle is up to date.
graphiql: $(VENV)/.packages
	@$(BIN)/python frontend/build.py

# Stamps stand for steps done, so that a second `make run` starts at once.

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Trackgraph needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1);" \
			"name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
		echo "$(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.packages: requirements-dev.lock $(VENV)/.created
	@echo "Installing the locked packages into $(VENV) (a minute or two, once)"
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.packages
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
