# Each target sets up what it needs; .venv follows the requirements files.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test check bench space
run: .venv/run.stamp
	$(BIN)/python app.py

test: .venv/dev.stamp
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

check: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/dev.stamp
	for script in bench/*.py; do $(BIN)/python -m bench.$$(basename $$script .py) || exit 1; done

space: .venv/run.stamp
	$(BIN)/python space.py

.venv/run.stamp: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/dev.stamp: requirements-dev.txt .venv/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@
