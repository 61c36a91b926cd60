# Two commands do everything on a machine with Python 3.11 and make: `make pipeline` and `make test`.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKSPACE ?= workspace
DATA ?= ../shared/data

.PHONY: help setup browser pipeline real search-works real-sky bench test test-duckdb-1.5 lint wheel clean

help:
	@echo "make pipeline      set up, run the search on the embedded survey, write its report (about 10 minutes)"
	@echo "make test          set up, then run the tests"
	@echo "make lint          check style"
	@echo "make real          run the search blind on KiDS/VIKING images, where they are at hand"
	@echo "make bench         time the work beside astropy, STILTS, LSDB and Keras (half an hour; installs them apart)"
	@echo "make search-works  repeat docs/search-works.md: three seeds, controls, baselines (over an hour)"
	@echo "make real-sky      repeat docs/real-sky.md: real HSC pixels beside embedded ones (DATA=folder of them)"

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt setuptools
	$(BIN)/python -m pip install --quiet --no-build-isolation --constraint constraints.txt --editable ".[demo,real,test]"
	@touch $@

setup: $(READY)

pipeline: $(READY)
	$(BIN)/swimmy ingest demo --workspace $(WORKSPACE)
	$(BIN)/swimmy pipeline --workspace $(WORKSPACE)
	$(BIN)/swimmy report --workspace $(WORKSPACE)

real: $(READY)
	$(BIN)/python examples/kids_viking/run.py

search-works: $(READY)
	$(BIN)/python experiments/search_works.py

# TensorFlow and LSDB live in an environment apart; STILTS comes from the system's packages, where it is to be had.
BENCH := .venv-bench
$(BENCH)/.ready: benchmarks/requirements.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --requirement benchmarks/requirements.txt
	@touch $@

bench: $(READY) $(BENCH)/.ready
	@command -v stilts >/dev/null || apt-get install --yes --quiet stilts || echo "no STILTS here: left out"
	$(BIN)/python benchmarks/run.py --theirs $(BENCH)/bin/python

real-sky: $(READY)
	$(BIN)/python experiments/real_sky.py --data $(DATA)

# The report's page is tested in a browser. Without one those tests are skipped with a message.
browser:
	@command -v chromedriver >/dev/null && command -v chromium >/dev/null || { \
	  test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get -qq update \
	  && apt-get -qq install -y --no-install-recommends chromium chromium-driver >/dev/null; } \
	|| echo "no Chromium: apt-get install chromium chromium-driver, else the page's tests are skipped"

test: $(READY) browser
	$(BIN)/python -m pytest

# The shells and viewers that users have are DuckDB 1.5: the SQL and the whole pipeline must run there too. What is about
# the network, pixels and installation is not run a second time.
NOT_SQL := fetch hsc_online memory stamps tar_stamps wheel
test-duckdb-1.5: $(READY)
	$(BIN)/python -m pip install --quiet --upgrade --no-deps --target $(VENV)/duckdb-1.5 duckdb==1.5.6
	PYTHONPATH=$(VENV)/duckdb-1.5 $(BIN)/python -m pytest tests/sql tests/pipeline $(NOT_SQL:%=--ignore=tests/pipeline/test_%.py)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

wheel: $(READY)
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

clean:
	rm -rf $(VENV) $(BENCH) build dist *.egg-info
