# All commands of the project. `make help` lists them.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8080
WORKERS ?= 1
SIMULATOR_PORT ?= 8090
# More than there are processors, for tests wait more than they work.
PROCESSES ?= 4

# Requests that a worker takes at once, and its threads for them. A caller who waits for CC-iSales holds one; with
# granian's defaults, 1,024 and 512 over all workers, a crowd of them leaves none for answers from the cache.
export GRANIAN_BACKPRESSURE ?= 2048
export GRANIAN_BLOCKING_THREADS ?= 2048
# Connections that say nothing, or half a request, or no other one, hold a place. With HTTP/1 alone all of them are closed
# after so many milliseconds; where granian has to find out which HTTP it is, not those that say nothing. Longer than the
# 20 s for which fronts keep a connection.
export GRANIAN_HTTP ?= 1
export GRANIAN_HTTP1_HEADER_READ_TIMEOUT ?= 25000
# Seconds: how long a new worker has to get ready before granian, on SIGHUP, ends the old one, and after which one that
# was told to end and did not is killed. deploy/README.md, "The end", has the order of all such times.
export GRANIAN_RESPAWN_INTERVAL ?= 15
export GRANIAN_WORKERS_KILL_TIMEOUT ?= 35
# The server's own lines in the form of ours.
export GRANIAN_LOG_CONFIG ?= config/granian-log.json
# The C library would give many of those threads a heap of its own each, and much of each stays unused.
export MALLOC_ARENA_MAX ?= 2

BIN := .venv/bin
SAY := @printf '\n==> %s\n'

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: .venv/installed ## install, then run the gateway with a simulated CC-iSales (HOST, PORT, SIMULATOR_PORT)
	$(SAY) "Starting the simulator and the gateway"
	@GATEWAY_ENV=development exec $(BIN)/flask demo --host $(HOST) --port $(PORT) --simulator-port $(SIMULATOR_PORT)

.PHONY: serve
serve: .venv/installed ## install, then run the gateway with production settings (HOST, PORT, WORKERS)
	$(SAY) "Checking the settings, and whether port $(PORT) is free"
	@GATEWAY_ENV=$${GATEWAY_ENV:-production} $(BIN)/flask config check --host $(HOST) --port $(PORT) > /dev/null
	$(SAY) "Serving on $(HOST):$(PORT) with $(WORKERS) worker(s)"
	@# Each caller is an open file, and the usual limit of 1,024 is lower than what is allowed to the user.
	@ulimit -Sn $$(ulimit -Hn); GATEWAY_ENV=$${GATEWAY_ENV:-production} exec $(BIN)/granian --interface wsgi --respawn-failed-workers \
		--host $(HOST) --port $(PORT) --workers $(WORKERS) app:app

.PHONY: test
test: .venv/tested ## install, then lint, check types, run all tests in PROCESSES at once, measure coverage
	@$(MAKE) --no-print-directory --jobs 2 lint compiled
	$(SAY) "Running the tests"
	@# Also where Python was told to keep nothing that it compiles: hundreds of processes would do that work again.
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder --cov --cov-report=term

# Compiles the tests, on the processor that lint leaves idle: else each process would compile all of them.
.PHONY: compiled
compiled: .venv/tested
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --collect-only --quiet > /dev/null 2>&1 || true

.PHONY: lint
lint: .venv/tested ## check style (ruff), types (mypy --strict) and security (bandit, our own rules)
	$(SAY) "Checking style with ruff"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	$(SAY) "Checking types with mypy"
	@$(BIN)/mypy
	$(SAY) "Looking for what is unsafe with bandit and our own rules"
	@$(BIN)/bandit --quiet --configfile pyproject.toml --recursive gateway app.py
	@$(BIN)/python -m tests.source_rules

.PHONY: bench
bench: .venv/tested ## measure against nginx, Varnish and Flask-Caching (ROWS, BENCH_SECONDS, BENCH_ROUNDS)
	$(SAY) "Measuring"
	@$(BIN)/python -m tests.benchmarks $(ROWS)

.PHONY: faults
faults: .venv/tested ## go through all that can go wrong upstream, and print what came of it (PARTS)
	$(SAY) "Measuring"
	@$(BIN)/python -m tests.benchmarks.faults $(PARTS)

.PHONY: fronts
fronts: .venv/tested ## print what becomes of requests and answers behind nine proxies (FRONTS)
	$(SAY) "Measuring"
	@$(BIN)/python -m tests.benchmarks.fronts $(FRONTS)

.PHONY: caches
caches: .venv/tested ## print for how long browsers', clients' and proxies' caches reuse a page (CACHES)
	$(SAY) "Measuring"
	@$(BIN)/python -m tests.benchmarks.caches $(CACHES)

.PHONY: soak
soak: .venv/tested ## run the whole deployment under callers and random faults (SOAK_SECONDS, SOAK_SEED, SOAK_PER_S)
	$(SAY) "Soaking"
	@$(BIN)/python -m tests.soak

.PHONY: scale
scale: .venv/tested ## measure more and more processes that share one Redis cluster (SCALE_PROCESSES, BENCH_SECONDS)
	$(SAY) "Measuring"
	@$(BIN)/python -m tests.benchmarks.scale

.PHONY: failovers
failovers: .venv/tested ## print what callers see, second by second, while the shared Redis has a new master (FAILOVERS)
	$(SAY) "Measuring"
	@$(BIN)/python -m tests.benchmarks.failovers

.PHONY: screenshots
screenshots: .venv/tested ## take the pictures of the console that README.md shows
	$(SAY) "Taking pictures"
	@$(BIN)/python -m tests.browser.screenshots

.PHONY: format
format: .venv/tested ## put the code into shape with ruff
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

PYTHONS ?= python3.13 python3.12 python3.14
MOST ?= 3
UNITS ?= tests/unit

.PHONY: pythons
pythons: ## run the unit tests (UNITS) on those of PYTHONS that are on this machine or known to pyenv, on MOST at most
	@left=$(MOST); for name in $(PYTHONS); do \
		test $$left -gt 0 || break; \
		python="$$(PYENV_VERSION="$${name#python}" "$$name" -c 'import sys, venv; print(sys.executable)' 2> /dev/null)" \
			|| continue; \
		left=$$((left - 1)); \
		folder="$$(mktemp -d)"; trap 'rm -rf "$$folder"' EXIT; \
		printf '==> Unit tests on %s\n' "$$("$$python" --version)"; \
		"$$python" -m venv "$$folder" && \
		"$$folder/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt && \
		"$$folder/bin/python" -m pytest --quiet --numprocesses $(PROCESSES) --dist loadfile -p no:cacheprovider $(UNITS) \
			|| exit 1; \
		rm -rf "$$folder"; \
	done; \
	test $$left -lt $(MOST) || echo "None of $(PYTHONS) is on this machine."

.PHONY: clean
clean: ## remove the virtual environment and everything that was generated
	@rm -rf .venv .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .schemathesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	$(SAY) "Making a virtual environment in .venv"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo \
		"Python 3.11 or later is needed; set PYTHON=/path/to/python3.11 or install it." >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo \
		"The module venv is missing; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

.venv/installed: .venv/bin/python requirements.txt
	$(SAY) "Installing what the gateway runs on"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/tested: .venv/installed tests/requirements.txt deploy/requirements-tracing.txt
	$(SAY) "Installing what the checks need"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	@touch $@
