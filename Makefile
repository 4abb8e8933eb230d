# One line per target; `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
T ?= tests
B ?=
DETACH ?=
DEMO ?= 1
GRAFANA ?= 1
NEW_ADMIN_KEY ?=
ROTATE ?=
HOURS ?= 1
REPORT ?= docs/stability.md

# The tests start a thousand programs: without bytecode each compiles what it imports.
unexport PYTHONDONTWRITEBYTECODE

# With nothing but the system's Python: a host that runs docker-compose.yml has no .venv.
DEPLOYMENT = "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo 'Python 3.11 or later is needed: make $@ PYTHON=python3.11' >&2; exit 1; }; \
	  PYTHONPATH=registry:prometheus:stack "$(PYTHON)" -B -m pulseguard_stack.deployment

.PHONY: help up down secrets urls install test test-failed test-stack test-long bench soak check format generate lock package clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

up: .venv/ready ## the whole stack on this machine (DETACH=1: return when ready; DEMO=0, GRAFANA=0: without these; NEW_ADMIN_KEY=1: with a new admin key)
	@$(BIN)/python -m pulseguard.command up $(if $(filter 1,$(DETACH)),--detach) \
	  $(if $(filter 0,$(DEMO)),--no-demo) $(if $(filter 0,$(GRAFANA)),--no-grafana) \
	  $(if $(filter 1,$(NEW_ADMIN_KEY)),--new-admin-key)

down: .venv/ready ## stop what `make up` runs
	@$(BIN)/python -m pulseguard.command down

secrets: ## passwords and keys for docker-compose.yml, in secrets/ (ROTATE=1: new API keys in the place of those there)
	@$(DEPLOYMENT) secrets

urls: ## where the services of docker-compose.yml are, and how to get in
	@$(DEPLOYMENT) urls

.venv/ready: pyproject.toml
	@"$(PYTHON)" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo 'Python 3.11 or later with venv is needed: sudo apt install python3-venv' >&2; exit 1; }
	@echo 'making .venv with everything in it; this takes a minute or two'
	"$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[registry,embedded,dashboards,stack,cost]' --group dev
	touch $@

install: .venv/ready ## make .venv with everything in it

# Both parts, whatever the first one says; 5: this part has no such test.
test: .venv/ready ## every test, about 10 minutes on 2 cores (T=tests/registry for a part)
	@failed=0; set -x; \
	$(BIN)/python -m pytest -m 'alone and not containers' $(T) || [ $$? -eq 5 ] || failed=1; \
	$(BIN)/python -m pytest -m 'not alone and not containers' -n 5 --dist loadfile --no-loadscope-reorder $(T) \
	  || failed=1; \
	exit $$failed

test-failed: .venv/ready ## what failed the last time, one test after the other
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none -m 'not containers'

test-stack: .venv/ready ## docker-compose.yml in containers: faults, outages, data; needs Linux, Docker and root (GRAFANA=0: without it)
	GRAFANA=$(GRAFANA) $(BIN)/python -m pytest -m containers tests/containers

test-long: .venv/ready ## the same tests with full counts
	PULSEGUARD_TEST_LONG=1 $(MAKE) test

bench: .venv/ready ## what exporter and registry cost beside their floors (B="record scrape": some of them)
	$(BIN)/python -m bench $(B)

soak: .venv/ready ## docker-compose.yml under 500 simulated agents for HOURS=1, and a report of what grows in REPORT=docs/stability.md; needs Docker, as root
	GRAFANA=$(GRAFANA) HOURS="$(HOURS)" REPORT="$(REPORT)" $(BIN)/python -m bench.soak

check: .venv/ready ## formatting, lint, types, Prometheus configuration
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	"$$($(BIN)/python -m pulseguard_stack.programs promtool)" check config --syntax-only \
	  prometheus/prometheus.yml

format: .venv/ready ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: .venv/ready ## what is made from code: dashboards, docs/metrics.md, docs/openapi.json (tests prove them current)
	$(BIN)/python -m pulseguard_grafana
	$(BIN)/python -m pulseguard.catalog > docs/metrics.md
	$(BIN)/python -m pulseguard_registry > docs/openapi.json

# As old as the oldest Python that we promise: the images may move on by themselves.
UV_COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-header --no-annotate --upgrade

lock: .venv/ready ## the newest versions for the images, into docker/requirements
	$(BIN)/python -m pip install --quiet uv
	$(UV_COMPILE) pyproject.toml --extra registry -o docker/requirements/registry.txt
	$(UV_COMPILE) pyproject.toml --extra sync -o docker/requirements/sync.txt
	$(UV_COMPILE) pyproject.toml --extra demo --extra cost -o docker/requirements/demo.txt
	$(UV_COMPILE) pyproject.toml -o docker/requirements/agent.txt
	echo hatchling | $(UV_COMPILE) - -o docker/requirements/build.txt

package: .venv/ready ## build the wheel and prove that the plain install is light
	$(BIN)/python -m pytest tests/test_package.py

clean: ## remove what the targets made
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache
