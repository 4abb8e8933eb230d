# One line per target; `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
T ?= tests

.PHONY: help install test test-long check format package clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[registry,embedded,dashboards,stack]' --group dev
	touch $@

install: .venv/ready ## make .venv with everything in it

test: .venv/ready ## every test, at most 10 minutes (T=tests/registry for a part)
	$(BIN)/python -m pytest $(T)

test-long: .venv/ready ## the same tests with full counts
	PULSEGUARD_TEST_LONG=1 $(BIN)/python -m pytest $(T)

check: .venv/ready ## formatting, lint, types, Prometheus configuration
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	"$$($(BIN)/python -m pulseguard_stack.programs promtool)" check config --syntax-only \
	  prometheus/prometheus.yml

format: .venv/ready ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

package: .venv/ready ## build the wheel and prove that the plain install is light
	$(BIN)/python -m pytest tests/test_package.py

clean: ## remove what the targets made
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache
