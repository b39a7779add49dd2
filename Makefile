# Every target makes its own environment when it is missing: Python 3.11+, make and git are all that a fresh clone needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-browser equality properties check notebooks docs bench clean fuzz

help:
	@echo "make demo       a month of a photo service, 27 million events: bill, percentiles, report (out/demo)"
	@echo "make test       the tests"
	@echo "make check      formatting, lint, types, floors, notebooks"
	@echo "make test-slow  the longer proofs"
	@echo "make test-browser  pages in Chromium, which must be installed"
	@echo "make fuzz       spoilt files for every reader; FUZZ_SECONDS=60 for each of them, FUZZ_SEED=1 for others"
	@echo "make equality   both engines on some 2,500 generated scenarios, and on deliberate faults"
	@echo "make properties the property tests, on examples that they have not tried before"
	@echo "make notebooks  notebooks from their scripts, and as pages (notebooks/html)"
	@echo "make docs       the documentation, every command on its pages run (out/docs/index.html)"
	@echo "make bench      timings beside SimPy and SimFaaS; BENCH=--quick in a minute, BENCH=--month with 10^9 invocations"
	@echo "make clean      remove what the targets made"

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	@touch $@

demo: $(READY)
	$(BIN)/lambdasim simulate notebooks/scenarios/photo_month.yaml --no-records --out out/demo

# Bytecode is kept whatever the environment says: many tests start a process.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(READY)
	$(BIN)/python tests/compile_engine.py
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-slow: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow

# What drives the browser is installed for it alone; the browser is the system's own.
test-browser: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[browser]"
	$(BIN)/python -m pytest -m browser $(BROWSER) tests/browser

# Half of the readers on each core: five minutes in all with 35 readers at 17 seconds.
fuzz: export FUZZ_SECONDS ?= 17
fuzz: $(READY)
	$(BIN)/python -m pytest -n 2 -m fuzz tests/fuzz

# make test tries the same examples every time; what it has not seen is looked for here.
properties: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "hypothesis and not fuzz" --hypothesis-profile "new examples"

equality: $(READY)
	$(BIN)/python -m pytest -n 2 -m "slow or not slow" tests/equivalence

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_floors.py
	$(BIN)/python notebooks/build.py --check

notebooks: $(READY)
	$(BIN)/python notebooks/build.py

# What builds the documentation is installed for it alone.
docs: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[docs]"
	$(BIN)/python -m docs.build
	@echo "open out/docs/index.html"

# SimFaaS, which the benchmark holds the project against, is installed for it alone.
bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[bench]"
	$(BIN)/python -m benchmarks --json out/benchmarks.json $(BENCH)

clean:
	rm -rf $(VENV) out notebooks/html .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
