# make run: from a fresh clone to a page with real reminders. Needs Python 3.11 or later, git and make.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# Written last: an installation cut short is begun again, a whole one is not touched.
INSTALLED := $(VENV)/installed

.PHONY: run install test check bench

run: $(INSTALLED)
	@exec $(BIN)/nhacviec run --or-sandbox

install: $(INSTALLED)

# Bytecode is written whatever the environment says: without it every worker compiles every test each time.
test: $(INSTALLED)
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -q

# Half an hour, on a machine that does nothing else: prints a table, writes benchmarks/results.json and the
# figures of the readme.
bench: $(INSTALLED)
	-$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks --write-readme

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy

$(INSTALLED): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Chưa có Python. Hãy cài Python 3.11 trở lên." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Cần Python 3.11 trở lên. Hãy chạy: make run PYTHON=/đường/dẫn/python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@
