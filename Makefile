# make test: everything that must hold. make demo: one network recovered, certified and checked.

# The oldest first, since MLServer runs on Python 3.11 and 3.12 alone.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN = .venv/bin
COQ_FOUND = { command -v coqc >/dev/null && ocamlfind query zarith >/dev/null 2>&1; }

.PHONY: test lint demo campaign proofs

test: lint proofs .venv-server/installed
	$(BIN)/pytest -n 2

lint: .venv/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

demo: .venv/installed
	@$(BIN)/python examples/demo.py

# Ten thousand small pairs, each verdict compared with an enumeration of regions.
campaign: .venv/installed
	EXACTRE_CAMPAIGN=50 $(BIN)/pytest -n 2 tests/quality tests/properties

proofs:
ifneq ($(wildcard proofs/Makefile),)
	@if ! $(COQ_FOUND) && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -qq -y coq libzarith-ocaml-dev ocaml-findlib >/dev/null; fi
	@if $(COQ_FOUND); then $(MAKE) -C proofs; \
	else echo "proofs not built: install coq, libzarith-ocaml-dev and ocaml-findlib"; fi
endif

.venv/installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q -e '.[dev]'
	@touch $@

# MLServer, which a test starts: it brings so much along that it has an environment of its own.
.venv-server/installed:
	$(PYTHON) -m venv .venv-server
	.venv-server/bin/pip install -q 'mlserver>=1.7'
	@touch $@
