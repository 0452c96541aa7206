# Steward: `make run` on a bare Debian 12 brings everything, builds and starts the server; `make test` tests it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build run demo test check bench test-asan test-tsan fuzz test-long crash fresh container trial-container trial-service tidy format clean screenshots openapi
PYTHON := build/venv/bin/python

help: ## this list
	@echo "Steward. The two commands: make run, make test. All:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "Environment: STEWARD_PORT (7070), STEWARD_HOME (~/.local/share/steward), STEWARD_CACHE (~/.cache/steward)."

setup: ## install what is missing: Debian packages, pinned packages, models, clients
	@tools/setup

build: ## setup, then compile the product and all that check and bench need
	@tools/build checkable

run: ## build and start the server alone; ONCE=1 tries the printed lines and stops
	@tools/build product
	@tools/run

demo: ## build and open the app on a sample home under build/demo; yours is left alone
	@tools/build product
	@build/release/bin/steward demo build/demo

test: ## everything: unit and property tests, tidy, clients, checks, a short fuzz
	@tools/test

check: ## run one check without building: NAME=wall, or all of them
	@$(PYTHON) -m tests.checks $(or $(NAME),--all) $(if $(KILLS),KILLS=$(KILLS))

bench: ## run one benchmark without building: NAME=journal DURATION=45, or all
	@$(PYTHON) -m tests.bench $(or $(NAME),--all) $(if $(DURATION),--duration $(DURATION))

test-asan: ## unit and property tests, real clients, kills and faults under AddressSanitizer and UBSan
	@tools/build asan && $(PYTHON) -m tools.testing.sanitized asan $(STAGE)

test-tsan: ## the same under ThreadSanitizer
	@tools/build tsan && $(PYTHON) -m tools.testing.sanitized tsan $(STAGE)

fuzz: ## build the fuzzers and run each for DURATION=60 seconds, or one: NAME=x; KEEP=1 keeps what was found
	@tools/build fuzz && $(PYTHON) -m tools.testing.fuzz --seconds $(or $(DURATION),60) $(if $(KEEP),--keep) $(NAME)

test-long: ## the long way: each file compiled alone, sanitizers, every check at full size, ten minutes of each fuzzer
	@tools/build alone
	@$(MAKE) --no-print-directory test test-asan test-tsan
	@$(PYTHON) -m tests.checks --all
	@$(MAKE) --no-print-directory fuzz DURATION=600

crash: ## 10,000 kills under load (KILLS=…), in rounds of 250, three at a time for each core (BESIDE=…)
	@$(PYTHON) -m tests.checks crash KILLS=$(or $(KILLS),10000) BESIDE=$(or $(BESIDE),$(shell expr 3 \* `nproc`))

fresh: ## both commands in a bare Debian 12, as root and as a user (needs root)
	@tools/fresh make run ONCE=1
	@FRESH_USER=1 tools/fresh make run ONCE=1
	@tools/fresh make test

container: ## the image steward:VERSION, with podman; CONTAINER_BASE=local where no registry of images is reached
	@tools/container

trial-container: ## run that image as a person does: two lives on one volume (needs root and podman)
	@$(PYTHON) -m tests.trials container $(OPTIONS)

trial-service: ## boot a Debian with systemd in namespaces and try the unit (needs root, systemd-container, mmdebstrap)
	@$(PYTHON) -m tests.trials service

tidy: ## floors, sizes, banned calls, format
	@$(PYTHON) -m pytest -q tests/tidy

format: ## lay out C++ and Python sources as the tidy test wants them
	@git ls-files -z '*.cc' '*.h' | xargs -0 -r clang-format-19 -i
	@$(PYTHON) -m ruff check --quiet --fix tools tests bench

screenshots: ## pictures of every page and state of the web app, under build/screenshots
	@$(PYTHON) -m tests.checks screens

openapi: ## write web/openapi.json, which the web app's client is made from, as the built server tells it
	@$(PYTHON) -m tools.openapi

clean: ## remove what was compiled (the cache of third-party packages stays)
	@rm -rf build
	@echo "Removed build/. The cache of third-party packages stays; make setup links it again."
