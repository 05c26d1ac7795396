# Serve the pages on this machine, and check everything; the first run installs what is pinned.

PORT ?= 5006
PYTHON ?= python3
BIN := .venv/bin
LINT := $(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy
PYTEST := $(BIN)/pytest --numprocesses logical --dist loadfile
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: serve check test js bench screenshots clean

serve: .venv/serving
	$(BIN)/kvviz serve --port $(PORT)

# Format, lint, types, and the quick tests, which include the layers.
check: .venv/testing
	$(LINT)
	$(PYTEST) -m "not slow"

# All of it; .ci/coverage says how much of the core the quick tests must cover.
test: .venv/testing
	$(LINT)
	.ci/js
	$(PYTEST) -m "not slow" --cov --cov-report=json
	.ci/coverage coverage.json
	$(BIN)/pytest -m slow

# The JavaScript alone: lint, types and tests by node; where there is none it says so.
js:
	.ci/js

# How fast the page answers and plays, as a table and in bench-results.json.
bench: .venv/testing
	$(BIN)/python -m bench

# The pictures of the README, taken of the page itself.
screenshots: .venv/testing
	$(BIN)/python assets/screenshots/take.py

clean:
	rm -rf .venv node_modules build dist test-results .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage* coverage.json

# The two stamps are as new as the pins they were installed from.
.venv/serving: pyproject.toml constraints.txt | $(BIN)/pip
	$(INSTALL) --editable '.[torch,api,sweep,plot,tokenizers]'
	touch $@

.venv/testing: .venv/serving .ci/browser
	$(INSTALL) --editable '.[torch,triton,api,sweep,plot,tokenizers,dev]'
	.ci/browser $(BIN)/playwright
	touch $@

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "kvviz needs Python 3.11 or later, $(PYTHON) is $$($(PYTHON) -V 2>&1)." >&2; exit 1; }
	$(PYTHON) -m venv .venv
