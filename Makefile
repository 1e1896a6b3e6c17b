.DEFAULT_GOAL := help
.PHONY: help install test lint types docs corpora ecosystem oracle ci bench
PYTHON ?= python3
BIN := .venv/bin
ORACLE := .venv-oracle

help:  ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*##  *\(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

install:  ## everything for development, in .venv
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -c constraints.txt -e ".[dev,docs]"

test:  ## the tests that need nothing but the test extra
	$(BIN)/pytest -q -n auto

lint:  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:  ## mypy, strict
	$(BIN)/mypy

docs:  ## the documentation, in site/
	$(BIN)/mkdocs build --strict

corpora:  ## fetch the public config trees, about 10 MB, to .cache/corpora
	$(BIN)/python tests/ecosystem/corpora.py

ecosystem: corpora  ## the tests over the public config trees
	MMBRIDGE_REQUIRE_ECOSYSTEM=1 $(BIN)/pytest -q -n auto -m "ecosystem and not oracle"

$(ORACLE)/bin/pytest:
	.ci/oracle-env $(ORACLE)

oracle: $(ORACLE)/bin/pytest  ## the tests against the real MMCV 1.7.2 and MMEngine 0.10.7, in .venv-oracle
	MMBRIDGE_REQUIRE_ORACLE=1 $(ORACLE)/bin/pytest -q -n auto -m oracle

bench: corpora $(ORACLE)/bin/pytest  ## speed and memory as ratios against LibCST, MMCV and MMEngine
	$(ORACLE)/bin/python benchmarks/convert.py
	$(ORACLE)/bin/python benchmarks/overhead.py
	$(ORACLE)/bin/python benchmarks/start.py

ci:  ## all of it, from fresh environments, as the continuous integration does
	.ci/run
