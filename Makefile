# Each target sets up what it needs; .venv follows the requirements files.
PYTHON ?= python3
BIN := .venv/bin

# uv installs faster than pip. It reads none of pip's settings, so it is told where pip
# would find wheels on this machine's disk.
UV ?= $(shell command -v uv)
ifdef PIP_FIND_LINKS
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
endif
PIP := $(BIN)/python -m pip install --disable-pip-version-check
# Each pin comes with the hashes of its files, and another file is refused. Where wheels
# were built elsewhere: make run HASHED=
HASHED ?= --no-deps --require-hashes
INSTALL := $(if $(UV),$(UV) pip install --python $(BIN)/python,$(PIP)) $(HASHED)
PINS := $(if $(HASHED),requirements/app.txt,requirements.txt)
DEV_PINS := $(if $(HASHED),requirements/dev.txt,requirements-dev.txt)
# PyTorch's builds for a processor alone ask for none of CUDA's libraries.
WANTS_CUDA := $(BIN)/python -c "from importlib.metadata import requires; \
	raise SystemExit('nvidia' not in str(requires('torch')))"

# As many processes as cores, 8 at most: each takes up to 1.5 GB. A file's tests stay
# together, because they share a server and a browser.
JOBS ?= logical
COVER := --cov --cov-report=term:skip-covered --cov-report=html
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --maxprocesses 8 --dist loadfile --no-loadscope-reorder
QUICK := not browser and not minute and not slow and not network and not gpu

BIOME := npx --yes @biomejs/biome@2.6.8
PIN = $(or $(UV),$(BIN)/uv) pip compile --quiet --universal --no-annotate \
	--custom-compile-command "make pins" $(PINS_FLAGS)

.PHONY: run test test-quick coverage check check-scripts bench space pins
run: .venv/run.stamp
	$(BIN)/python app.py

test: .venv/dev.stamp
	@echo "All tests but those that need a GPU or the Hub: 8 minutes on two cores."
	$(PYTEST) $(if $(COVERAGE),$(COVER)) $(PYTEST_FLAGS)

test-quick: .venv/dev.stamp
	@echo "The tests that need no browser and are quick: a minute and a half on two cores."
	$(PYTEST) -m "$(QUICK)" $(PYTEST_FLAGS)

coverage:
	$(MAKE) test COVERAGE=1

check: .venv/dev.stamp
	@echo "Lint, format, types, scripts: half a minute, two minutes the first time."
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@$(MAKE) --no-print-directory check-scripts

# npx fetches the linter once. Offline it is asked no more than one time.
check-scripts:
	@if ! command -v npx >/dev/null; then \
		echo "Scripts: not checked, Node.js is not installed."; \
	elif ! npm_config_fetch_retries=0 $(BIOME) --version >/dev/null 2>&1; then \
		echo "Scripts: not checked, the npm registry cannot be reached."; \
	else echo "$(BIOME) lint"; $(BIOME) lint --error-on-warnings; fi

bench: .venv/dev.stamp
	for script in bench/*.py; do $(BIN)/python -m bench.$$(basename $$script .py) || exit 1; done

space: .venv/run.stamp
	$(BIN)/python space.py

# The pins, from what pyproject.toml declares; a version changes only where it has to, or
# as asked: make pins PINS_FLAGS="--upgrade-package numpy". What torch brings for CUDA is
# pinned by torch itself, and differs from build to build.
pins: $(if $(UV),,$(BIN)/uv)
	$(PIN) pyproject.toml --output-file requirements.txt
	rm -f requirements/app.txt requirements/dev.txt  # whose hashes would stay
	$(PIN) --generate-hashes pyproject.toml --constraint requirements.txt --output-file requirements/app.txt
	sed -i.old -E '/^(cuda-|nvidia-|triton)/d' requirements.txt
	$(PIN) --group dev --constraint requirements.txt --output-file requirements-dev.txt
	$(PIN) --generate-hashes --group dev --constraint requirements-dev.txt --output-file requirements/dev.txt
	awk '/^[a-z]/ {of_cuda = /^(cuda-|nvidia-|triton)/} /^#/ || of_cuda' requirements/app.txt > requirements/cuda.txt
	awk '/^[a-z]/ {of_cuda = /^(cuda-|nvidia-|triton)/} !of_cuda' requirements/app.txt > requirements/all.txt
	mv requirements/all.txt requirements/app.txt
	rm requirements.txt.old

$(BIN)/uv: .venv/run.stamp
	$(PIP) uv==0.13.9

.venv/run.stamp: $(PINS)
	@echo "Setting up .venv: 2 to 5 minutes; downloads 1 GB of packages, on Linux up to 4,"
	@echo "because torch brings its CUDA libraries there."
	$(PYTHON) -m venv .venv
	$(if $(and $(HASHED),$(PIP_FIND_LINKS)),$(INSTALL) --no-index -r requirements/torch-cpu.txt || \
		echo "Not on this disk: torch for a processor alone.")
	$(INSTALL) -r $(PINS)
	$(if $(HASHED),if $(WANTS_CUDA); then $(INSTALL) -r requirements/cuda.txt; fi)
	touch $@

.venv/dev.stamp: $(DEV_PINS) .venv/run.stamp
	@echo "Adding what tests and checks use: 100 MB, half a minute."
	$(INSTALL) -r $(DEV_PINS)
	touch $@
