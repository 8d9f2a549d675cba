# Every target works as the only command on a fresh clone: python3 (3.11 or newer) and make suffice.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := -m pip install --quiet --disable-pip-version-check
# Builds from source are pinned too (raftos needs a setuptools that still has pkg_resources); pip from
# 25.3 on reads the second name for that, older ones the first.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_BUILD_CONSTRAINT := $(CURDIR)/constraints.txt
PYSYNCOBJ_VERSIONS := 0.3.11 0.3.12 0.3.17
VENVS := $(PYSYNCOBJ_VERSIONS:%=.venvs/pysyncobj-%/.stamp)

.PHONY: help demo test slow browser check bench install venvs clean

help:
	@echo 'make demo     a guided tour: find, replay and shrink a bug'
	@echo 'make test     the tests, without the slow ones'
	@echo 'make slow     the slow sweeps; some want Open vSwitch (apt-get install openvswitch-switch)'
	@echo 'make browser  the exported pages, clicked in a headless Chromium'
	@echo 'make check    format, lint, types and import floors'
	@echo 'make bench    the benchmark tables'
	@echo 'make install  .venv with demi and everything the above needs'
	@echo 'make venvs    .venvs/ with one environment per pysyncobj version: $(PYSYNCOBJ_VERSIONS)'
	@echo 'make clean    remove all that these commands made, environments included'

demo: .venv/.stamp
	@$(BIN)/demi demo

test: .venv/.stamp
	$(BIN)/python -m pytest -n auto

slow: .venv/.stamp
	$(BIN)/python -m pytest -n auto -m slow

browser: .venv/.stamp
	$(BIN)/python -m pytest -m browser tests/export

check: .venv/.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict demi targets
	$(BIN)/python -m pytest tests/test_floors.py

bench: .venv/.stamp
	$(BIN)/python benchmarks/engine.py
	$(BIN)/python benchmarks/dpor.py
	$(BIN)/python benchmarks/find.py
	$(BIN)/python benchmarks/minimize.py

install: .venv/.stamp

venvs: $(VENVS)

clean:
	rm -rf .venv .venvs build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -path ./.git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# Say what is missing before venv fails with a traceback.
define require_python
@command -v $(PYTHON) >/dev/null 2>&1 || { \
	echo "demi: no '$(PYTHON)' on the PATH; install Python 3.11 or newer, or: make PYTHON=/path/to/python3" >&2; exit 1; }
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "demi: needs Python 3.11 or newer, but $(PYTHON) is $$($(PYTHON) -V 2>&1); try: make PYTHON=python3.12" >&2; exit 1; }
@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	echo "demi: $(PYTHON) cannot make virtual environments (no venv or ensurepip); on Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
endef

# The stamp comes last, so an interrupted install is done again.
.venv/.stamp: pyproject.toml constraints.txt
	$(require_python)
	@echo 'demi: installing into .venv'
	@$(PYTHON) -m venv .venv
	@.venv/bin/python $(INSTALL) -e '.[dev,pysyncobj,sdn,services]'
	@.venv/bin/python $(INSTALL) --no-deps raftos
	@touch $@

# The same environment with another pysyncobj in place of the pinned one.
.venvs/pysyncobj-%/.stamp: pyproject.toml constraints.txt
	$(require_python)
	@echo 'demi: installing into $(@D)'
	@$(PYTHON) -m venv $(@D)
	@sed 's/^pysyncobj==.*/pysyncobj==$*/' constraints.txt > $(@D)/constraints.txt
	@PIP_CONSTRAINT=$(@D)/constraints.txt $(@D)/bin/python $(INSTALL) -e '.[dev,pysyncobj]'
	@touch $@
