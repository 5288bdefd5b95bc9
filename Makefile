# Two commands matter: `make run` and `make test`. Both work on a bare machine and install what they need.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# Where Python may not keep what it compiled, each of many processes compiles 1,700 files again.
unexport PYTHONDONTWRITEBYTECODE
SOURCES := fund members proposals voting ledger templates tests

.PHONY: install run clean-demo test check bench lock tools

install: $(VENV)/installed

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { \
	  rm -rf $(VENV); \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq python3-venv; \
	  else echo "Python's venv module is missing. On Debian or Ubuntu: sudo apt-get install python3-venv"; exit 1; fi; \
	  $(PYTHON) -m venv $(VENV); }

$(VENV)/installed: $(VENV)/bin/python requirements.lock pyproject.toml
	@echo "Installing the fund (about a minute the first time) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: install
	@$(BIN)/sicf demo --if-empty
	@$(BIN)/sicf run

clean-demo: install
	@$(BIN)/sicf demo --start-over

$(VENV)/installed-test: $(VENV)/installed requirements-test.lock
	@echo "Installing what the tests need …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-test.lock
	@touch $@

# A browser and a database server come from Debian where we may install them. Without PostgreSQL the tests use pgserver.
tools:
	@missing=""; \
	[ -n "$$CHROMIUM" ] || command -v chromium >/dev/null || missing="chromium"; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	command -v pdftoppm >/dev/null || missing="$$missing poppler-utils"; \
	command -v hledger >/dev/null || missing="$$missing hledger"; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing $$missing …"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	  else \
	    echo "For every test to run: sudo apt-get install $$missing"; \
	    case "$$missing" in *chromium*) exit 1;; esac; \
	  fi; \
	fi

check: $(VENV)/installed-test
	@$(BIN)/ruff format --check --quiet $(SOURCES) || { echo "Run: $(BIN)/ruff format"; exit 1; }
	@$(BIN)/ruff check --quiet $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest -n 2 -m "not browser and not slow" --databases none

test: $(VENV)/installed-test tools
	@$(BIN)/ruff format --check --quiet $(SOURCES) || { echo "Run: $(BIN)/ruff format"; exit 1; }
	@$(BIN)/ruff check --quiet $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest -n 2 --dist worksteal

bench: $(VENV)/installed-test tools
	@$(BIN)/python -m tests.benchmarks.members; found=$$?; $(BIN)/python -m tests.benchmarks.bank || found=1; \
		$(BIN)/python -m tests.benchmarks.ledger && exit $$found

lock:
	@for extra in "requirements.lock --extra build" "requirements-test.lock --extra test --extra build"; do \
	  set -- $$extra; out=$$1; shift; \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header "$$@" pyproject.toml -o $$out; done
