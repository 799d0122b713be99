# make run: from a fresh clone to a page with real reminders. Needs Python 3.11 or later, git and make.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --no-compile --require-hashes --progress-bar off
# Written last: an installation cut short is begun again, a whole one is not touched.
INSTALLED := $(VENV)/installed
TOOLS := $(VENV)/installed-tools

.PHONY: run install test check bench

run: $(INSTALLED)
	@exec $(BIN)/nhacviec run --or-sandbox

install: $(INSTALLED)

# Bytecode is written whatever the environment says: without it every worker compiles every test each time.
test: $(TOOLS)
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -q

# Half an hour, on a machine that does nothing else: prints a table, writes benchmarks/results.json and the
# figures of its README.
bench: $(TOOLS)
	-$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks --write-readme

check: $(TOOLS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy

# --no-compile: modules are compiled when first used; 85 MB and 10 s less. A venv of Python 3.11
# comes with setuptools, which nothing here imports: 14 MB.
$(INSTALLED): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Chưa có Python. Hãy cài Python 3.11 trở lên." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Cần Python 3.11 trở lên. Hãy chạy: make run PYTHON=/đường/dẫn/python3.11" >&2; exit 1; }
	@echo "Đang cài thư viện vào $(VENV), chỉ lần đầu; thường mất dưới một phút."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) -r requirements.txt
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation -e .
	@$(BIN)/python -m pip uninstall --quiet --yes setuptools
	@touch $@

$(TOOLS): $(INSTALLED) requirements-dev.txt
	@echo "Đang cài thêm công cụ kiểm thử, chỉ lần đầu."
	@$(PIP) -r requirements.txt -r requirements-dev.txt
	@touch $@
