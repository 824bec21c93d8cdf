# Two commands do everything on a machine that has python3 (3.11 or newer), git and make:
#   make demo     five shops under five policies, in your browser
#   make test     every test, small; obtains PostgreSQL, Chromium and Exim first
# The rest, by `make help`.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
unexport PYTHONDONTWRITEBYTECODE # or every run would compile every test anew

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# In `make test` but not in the core: campaigns, what tries the five policies rather than the core, and one very large log.
OUTSIDE := tests/decide/test_changed.py tests/decide/test_first.py tests/decide/test_oracle.py \
	tests/decide/test_versions.py tests/ledger/test_tampering.py tests/policy/test_next.py tests/policy/test_notice.py \
	tests/policy/test_policies.py
ASIDE := real_policy or large_logs or no_old_datum or planted_defect_is_caught
CORE := tests/policy tests/decide tests/vault tests/ledger $(OUTSIDE:%=--ignore %) -k "not ($(ASIDE))"
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" pyproject.toml

.PHONY: help install dev demo test core campaign bench lint types format lock clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

install: $(VENV)/.installed ## .venv with the `avow` command

dev: $(VENV)/.dev ## ... and everything that tests and checks need

demo: install ## five shops under five policies, in your browser
	$(BIN)/avow demo

test: dev ## every test, small; obtains PostgreSQL, Chromium and Exim first
	@tools/servers.sh
	$(BIN)/pytest -n 2 --dist loadgroup $(ARGS)

core: dev ## the pure core's tests alone, within 5 s (docs/decisions/0005)
	$(BIN)/pytest -q --durations 5 --within 5 --hypothesis-profile core $(CORE) $(ARGS)

campaign: dev ## the same harnesses at full counts, resumable; NAMES="..." for some of them
	@tools/servers.sh
	$(BIN)/python -m tests.campaign $(NAMES) $(ARGS)

bench: dev ## the ratios against raw floors
	@tools/servers.sh
	$(BIN)/avow bench $(NAMES) $(ARGS)

lint: dev ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: dev ## mypy, strict
	$(BIN)/mypy

format: dev ## let ruff put the format right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: dev ## pin the newest versions that pyproject.toml allows, with hashes
	$(LOCK) --upgrade --extra build --extra statistics --output-file requirements.lock
	$(LOCK) --upgrade --extra build --extra statistics --extra dev --constraint requirements.lock --output-file requirements-dev.lock

clean: ## away with what was made here
	rm -rf $(VENV) build dist out .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@tools/venv.sh $(PYTHON) $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.made requirements.lock pyproject.toml
	@echo "installing what requirements.lock pins, and avow itself"
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed requirements-dev.lock
	@echo "installing what requirements-dev.lock pins"
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@
