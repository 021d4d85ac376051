# Everything runs from here; `make help` lists it. Nothing has to be installed or exported first.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
export LC_ALL := C.UTF-8

# The first interpreter that works and that the pinned packages are made for.
FIND_PYTHON = for name in python3.11 python3.12 python3.13 python3; do \
	  if $$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then echo $$name; exit; fi; \
	done; echo "Python 3.11, 3.12 or 3.13 is needed: apt-get install python3.11" >&2; exit 1
SETUP = python=$$($(FIND_PYTHON)) && $$python -m tests.tools.setup
PYTHON := .venv/bin/python
TOOL_PATH = PATH="$(CURDIR)/.venv/bin:$$PATH:/usr/local/sbin:/usr/sbin:/sbin"
GATES := ruff-format ruff text shellcheck yamllint changelog docs-drift mypy construction docs ansible-lint unit sanity units \
	artifact importer integration coverage faults runner molecule

.PHONY: help setup setup-lab setup-benchmark demo lab lab-down test benchmark format docs-write clean $(GATES)

help: ## list the targets
	@echo "Targets:"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1|\2/p' Makefile | while IFS='|' read -r name text; do printf '%-16s %s\n' "$$name" "$$text"; done
	@echo "Gates of make test, each a target of its own:"
	@python=$$($(FIND_PYTHON)) && $$python -m tests.tools.gates --list

setup: ## get ready for everything but the benchmark (says nothing when there is nothing to do)
	@$(SETUP) lab gates

setup-lab:
	@$(SETUP) lab

setup-benchmark:
	@$(SETUP) lab benchmark

demo: setup-lab ## destroy a site of the embedded lab, recover it, and prove that it is what it was
	@$(TOOL_PATH) $(PYTHON) -m tests.lab demo

lab: setup-lab ## start the embedded lab and keep it running: try any playbook with -i inventories/lab
	@$(TOOL_PATH) $(PYTHON) -m tests.lab up

lab-down: ## end the embedded lab, leaving no process
	@if [ -x $(PYTHON) ]; then $(TOOL_PATH) $(PYTHON) -m tests.lab down; fi

test: setup ## run every gate, quick ones first
	@$(PYTHON) -m tests.tools.gates

benchmark: setup-benchmark ## measure recovery, backups, health checks and cleanup against other means; PART=restore, backup, replay, health or cleanup for one (takes a while)
	@$(TOOL_PATH) $(PYTHON) -m tests.benchmark --part $(or $(PART),all)

$(GATES): setup
	@$(PYTHON) -m tests.tools.gates $@

format: setup ## format the Python code and mend what ruff can mend
	@.venv/bin/ruff check --fix --quiet . || true
	@.venv/bin/ruff format .

docs-write: setup ## write what is generated from the code again: pages of docs/, alerting rules, dashboard, thresholds
	@$(PYTHON) -m tests.tools.pages

clean: lab-down ## remove everything that was made here: environment, caches, lab
	@rm -rf .venv .cache .lab .ansible .mypy_cache .pytest_cache .ruff_cache .hypothesis tests/output
