# `make help` says what there is. Written for GNU make 3.81 (the one that macOS ships) and later.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed

# Settings of the machine that would put packages elsewhere than into .venv, or others than the locked ones. The ones that
# say where packages come from (index, proxy, certificates) are left as they are.
unexport PIP_TARGET PIP_PREFIX PIP_ROOT PIP_USER PIP_PYTHON PIP_DRY_RUN PIP_NO_DEPS PIP_IGNORE_INSTALLED
unexport PIP_REQUIREMENT PIP_EDITABLE PIP_CONSTRAINT PIP_BUILD_CONSTRAINT PIP_NO_BINARY PIP_REQUIRE_VIRTUALENV
unexport PIP_PLATFORM PIP_PYTHON_VERSION PIP_IMPLEMENTATION PIP_ABI PIP_PRE PIP_NO_BUILD_ISOLATION
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONSAFEPATH
# Tests start the application hundreds of times, which takes longer if it is compiled each time.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Settings of the application that a shell may still carry, and that would make a test or a command mean something else.
unexport FLASK_APP

TEST_OPTIONS := -rs --durations 10 --numprocesses auto --dist loadfile --no-loadscope-reorder --ignore tests/attacks

.PHONY: help setup run test coverage lint format bench bench-scale fuzz fuzz-api faults attack multihost screenshots \
	translations migration lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP)  ## make .venv with the locked packages

run: $(STAMP)  ## start everything with a demo project, until Ctrl-C
	@$(PY) -m devstack.run

test: $(STAMP)  ## run all tests, against a PostgreSQL and a Redis of their own
ifdef COVERAGE
	@rm -rf var/coverage
	$(PY) -m coverage run -m pytest $(TEST_OPTIONS) $(ARGS)
	$(PY) -m coverage combine --quiet
	$(PY) -m coverage report
else
	$(PY) -m pytest $(TEST_OPTIONS) $(ARGS)
endif

coverage:  ## run all tests and print which lines and branches none of them runs
	@$(MAKE) test COVERAGE=1

screenshots: $(STAMP)  ## take the pictures of docs/tour.md again
	$(PY) -m tests.browser.screenshots

translations: $(STAMP)  ## update the catalogues of translations from the code
	$(PY) -m devstack.translations
	$(PY) -m devstack.message_templates

migration: $(STAMP)  ## write a migration from the changes of the models (NAME="embedded parts")
	@$(PY) -m devstack.migration "$(NAME)"

fuzz: $(STAMP)  ## try thousands of broken files (FUZZ_RUNS, FUZZ_JOBS, FUZZ_SEED)
	FUZZ_RUNS=$${FUZZ_RUNS:-2000} FUZZ_JOBS=$${FUZZ_JOBS:-100} FUZZ_SEED=$${FUZZ_SEED:-$$(date +%s)} \
		$(PY) -m pytest tests/unit/test_fuzz.py tests/e2e/test_fuzz_jobs.py $(ARGS)

fuzz-api: $(STAMP)  ## try thousands of odd requests (FUZZ_API_EXAMPLES, FUZZ_API_PART, FUZZ_SEED)
	FUZZ_API_EXAMPLES=$${FUZZ_API_EXAMPLES:-200} FUZZ_SEED=$${FUZZ_SEED:-$$(date +%s)} \
		$(PY) -m pytest tests/integration/test_openapi_requests.py $(ARGS)

faults: $(STAMP)  ## break an import at random moments (FAULT_RUNS, FAULT_SEED)
	FAULT_RUNS=$${FAULT_RUNS:-100} FAULT_SEED=$${FAULT_SEED:-$$(date +%s)} $(PY) -m pytest -q tests/faults $(ARGS)

attack: $(STAMP)  ## attack a running system in the ways that take minutes
	$(PY) -m pytest -q tests/attacks $(ARGS)

multihost: $(STAMP)  ## import 20 projects on four simulated hosts, one of which is cut off
	$(PY) -m pytest -q -s tests/attacks/test_many_hosts.py $(ARGS)

lint: $(STAMP)  ## check style (ruff), types (mypy) and spelling (codespell)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m codespell_lib

format: $(STAMP)  ## put the code into shape
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: $(STAMP)  ## measure the import against its baselines
	$(PY) -m bench

bench-scale: $(STAMP)  ## measure imports and answers in databases of 1, 10 and 40 projects, then throughput
	$(PY) -m bench.scale $(ARGS)
	$(PY) -m bench.throughput

# Universal: one file for every platform and every Python from 3.11 on. No header and no index addresses, so that the
# files say the same whoever makes them.
LOCK := $(PY) -m uv pip compile setup.cfg --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate --system-certs --quiet

lock: $(STAMP)  ## renew requirements*.txt from setup.cfg
	$(LOCK) --upgrade --output-file requirements.txt
	$(LOCK) --upgrade --extra devstack --extra dev --extra sentry --extra opentelemetry --constraint requirements.txt \
		--output-file requirements-dev.txt
	$(LOCK) --extra sentry --extra opentelemetry --constraint requirements-dev.txt \
		--output-file requirements-telemetry.txt
	rm -rf *.egg-info

clean:  ## remove .venv, caches and the data of make run (var/)
	rm -rf $(VENV) var build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The first Python that is new enough. `PYENV_VERSION=system` looks behind a pyenv that has not installed the version that
# .python-version names.
CHECK := import sys; sys.exit(not (3, 11) <= sys.version_info[:2])

$(STAMP): requirements.txt requirements-dev.txt
	@if ! $(PY) -c '$(CHECK)' >/dev/null 2>&1 || ! $(PY) -m pip --version >/dev/null 2>&1; then \
		set -e; found=; \
		for candidate in "$$PYTHON" python3 python3.14 python3.13 python3.12 python3.11; do \
			test -n "$$candidate" || continue; \
			for pyenv in "$$PYENV_VERSION" system; do \
				if PYENV_VERSION=$$pyenv "$$candidate" -c '$(CHECK)' >/dev/null 2>&1; then \
					found=$$candidate; break 2; \
				fi; \
			done; \
		done; \
		if test -z "$$found"; then \
			echo "Python 3.11 or later is needed, and none was found on the PATH. Install one" \
				"(https://www.python.org/downloads/, or your system's package python3)," \
				"or name one: make PYTHON=/path/to/python3 setup" >&2; \
			exit 1; \
		fi; \
		PYENV_VERSION=$$pyenv; export PYENV_VERSION; \
		if ! "$$found" -c 'import venv, ensurepip' >/dev/null 2>&1; then \
			version=$$("$$found" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
			echo "$$found cannot make virtual environments: its venv module is not complete." \
				"On Debian and Ubuntu: sudo apt install python$$version-venv" \
				"(or name another one: make PYTHON=/path/to/python3 setup)" >&2; \
			exit 1; \
		fi; \
		echo "Making $(VENV) with $$("$$found" --version) …"; \
		rm -rf $(VENV); \
		"$$found" -m venv $(VENV); \
	fi
	@echo "Installing the locked packages into $(VENV) …"
	@$(PY) -m pip install --quiet --no-user --require-hashes --requirement requirements-dev.txt
	@touch $(STAMP)
