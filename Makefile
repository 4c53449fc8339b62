# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ASSETS := webkit/dist/manifest.json
READY := $(STAMP) $(ASSETS)

.PHONY: help setup demo programs test lint bench docs clean
.DEFAULT_GOAL := help

help: ## What can be made here
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY) ## Virtual environment with everything in it, and the pages' styles and modules

$(STAMP): pyproject.toml setup.py constraints.txt $(wildcard mediaserver/runtime/forwarders/*.c mediaserver/runtime/forwarders/build_native.py)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; say which: make PYTHON=python3.12"; exit 1; }
	@echo 'setting up $(VENV): one to three minutes, once'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

$(ASSETS): $(STAMP) scripts/build_assets.py $(wildcard webkit/frontend/*.json webkit/frontend/*.mjs webkit/modules/*.ts webkit/modules/pages/*.ts webkit/styles/*.css webkit/styles/pages/*.css webkit/static/*)
	@$(BIN)/python scripts/build_assets.py

demo: $(READY) ## Start everything, place one call per mode, print the verdicts (ARGS=--exit stops then)
	$(BIN)/mediaserver demo $(ARGS)

programs:
	@$(PYTHON) scripts/run_tests.py --programs

test: programs $(READY) ## Lint, types, import contracts, all tests
	$(BIN)/python scripts/run_tests.py $(ARGS)

lint: $(READY) ## Only lint, types and import contracts
	$(BIN)/python scripts/run_tests.py --only lint

bench: $(READY) ## Measure, print the tables (ARGS="--write docs/performance.md" writes them)
	$(BIN)/python bench/run.py $(ARGS)

docs: $(READY) ## Draw the generated pages anew
	$(BIN)/python scripts/draw_docs.py

clean: ## Remove what was built (data in ./var stays)
	rm -rf $(VENV) build dist webkit/dist webkit/frontend/node_modules *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis artifacts
