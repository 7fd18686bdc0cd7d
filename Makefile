# Everything a clone needs: `make chat` to use it, `make test` to work on it, `make help` for the rest.
#
# Works with GNU make 3.81 and later (macOS has that one) and with `make -s`. All is installed into
# .venv, at the releases that constraints.txt names; nothing outside the clone is touched.
#
# torch: on Linux, PyPI's build brings several GB of CUDA that nothing here uses. So the CPU build is
# asked for first, at TORCH_INDEX; where that cannot be reached, PyPI's is taken, and said so.
# `make chat TORCH_INDEX=` asks PyPI (or whatever index your pip is set to) at once.

SHELL := bash

VENV ?= .venv
INDEX ?= .dateline/index
HOST ?= 127.0.0.1
PORT ?= 7860
ifeq ($(shell uname -s),Linux)
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
endif
TORCH_INDEX ?=

# The first that runs and is new enough; a name on the PATH may be a stub that only prints an error.
PYTHON ?=
PYTHONS := $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python)

PY := $(VENV)/bin/python

.PHONY: help chat test bench crash reader calibration constraints clean

help: ## This list
	@echo "Dateline answers questions about your own articles. In a clone:"
	@sed -n 's/^\([a-z]*\):.*## /  make \1#/p' Makefile | while IFS='#' read -r target what; do \
		printf '%-18s %s\n' "$$target" "$$what"; done
	@echo "Variables: INDEX=$(INDEX) HOST=$(HOST) PORT=$(PORT) VENV=$(VENV) PYTHON=... TORCH_INDEX=$(TORCH_INDEX)"

chat: $(VENV)/.installed ## Install what is missing, add the sample articles, open the chat page
	@$(PY) -m assistant --index "$(INDEX)" chat --with-samples --host "$(HOST)" --port $(PORT) \
		|| [ $$? -eq 130 ] # Ctrl-C is how it ends

# Tests write many small files and wait for each to be on the disk: half the time, where memory will do.
# They also wait for servers and browsers: two processes more than there are processors. Those of the page,
# which take longest, begin. Many start the program: it becomes bytecode once, also where Python is told to
# write none. ALL=1 also runs what is exhaustive: each state of the page, each sample question.
test: $(VENV)/.installed-dev ## Lint, types, import rules and tests
	@$(PY) -m compileall -q -j 0 dateline assistant vectorstore
	@echo "ruff check"; $(PY) -m ruff check .
	@echo "ruff format"; $(PY) -m ruff format --check .
	@echo "mypy"; $(PY) -m mypy --num-workers 2
	@echo "lint-imports"; $(VENV)/bin/lint-imports
	@echo "pytest"; if [ "$$(df -kP /dev/shm 2>/dev/null | awk 'END {print $$4}')" -gt 4000000 ] 2>/dev/null; \
		then export TMPDIR=/dev/shm; fi; \
		$(PY) -m pytest -n $$($(PY) -c 'import os; print(min(4, 2 + (os.cpu_count() or 1)))') --dist loadfile --no-loadscope-reorder $(if $(ALL),--all)

bench: $(VENV)/.installed ## Measure: answers on the sample articles, time to a first answer
	@$(PY) -m benchmarks.seed_answers
	@$(PY) -m benchmarks.startup

crash: $(VENV)/.installed ## Kill the program at 200 moments, and see that nothing is lost
	@$(PY) -m benchmarks.crash --moments 200

# EVAL is the folder of the sets that training/README.md names, BASE one with all-mpnet-base-v2. A part that
# is done is not done again, and training goes on from its last checkpoint: after an interruption, give
# the same command. `make reader RUN=other …` starts anew.
EVAL ?=
BASE ?=
RUN ?= runs/reader
MINUTES ?= 180
COOL_DOWN ?= 0.25
FROZEN ?= 6
SETS := squad1_train squad2_dev news_dev qamr clapnq claims rte
READERS := assistant/weights/reader
STRONG := weights/dateline_reader

reader: $(VENV)/.installed-training ## Train the strong reader from BASE on EVAL, export, calibrate and measure it
	@$(FUNCTIONS); needs_sets; needs_base; mkdir -p "$(RUN)"; \
	resume=; if [ -e "$(RUN)/state.pt" ]; then resume=--resume; fi; \
	part trained "[1/4] training" $(PY) -m training.train_reader "$(EVAL)" "$(BASE)" "$(RUN)" \
		--frozen $(FROZEN) $$(minutes_left) $$resume; \
	part exported "[2/4] exporting to $(STRONG)" \
		$(PY) -m training.export_reader "$(RUN)/mean" $(STRONG) --data "$(EVAL)"; \
	part calibrated "[3/4] calibrating" $(PY) -m training.calibrate "$(EVAL)" $(READERS); \
	part measured "[4/4] measuring" $(PY) -m training.evaluate_reader "$(EVAL)" $(READERS); \
	echo "Done; all of it is in $(RUN)/log.txt."

calibration: $(VENV)/.installed-training ## Calibrate the readers as they are, on EVAL=folder
	@$(FUNCTIONS); needs_sets; $(PY) -m training.calibrate "$(EVAL)" $(READERS)

constraints: ## Write constraints.txt anew, from the newest releases that pyproject.toml admits
	@$(FUNCTIONS); rm -rf $(VENV)-constraints; make_venv $(VENV)-constraints; \
	step "Installing the newest releases"; \
	run_pip $(VENV)-constraints --upgrade pip setuptools hatchling editables; \
	install_torch $(VENV)-constraints; \
	run_pip $(VENV)-constraints --no-build-isolation -e ./weights -e . --group dev; \
	{ echo "# Every release that a working installation has, so that tomorrow's is the same as today's."; \
	  echo "# Written by \`make constraints\`; used by the Makefile and by pip install -c constraints.txt."; \
	  $(VENV)-constraints/bin/python -m pip freeze --all --exclude-editable --exclude dateline --exclude dateline-reader \
	  | sed -E 's/^(torch==[^+]*)\+.*/\1/'; } > constraints.new; \
	mv constraints.new constraints.txt; rm -rf $(VENV)-constraints; \
	echo "constraints.txt names $$(grep -vc '^#' constraints.txt) releases; now run make test"

clean: ## Remove what was installed and built; articles and indexes stay
	rm -rf $(VENV) $(VENV)-constraints build dist weights/dist .mypy_cache .pytest_cache .ruff_cache \
		.import_linter_cache .hypothesis
	find dateline assistant vectorstore tests benchmarks training -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.installed: pyproject.toml weights/pyproject.toml constraints.txt
	@$(FUNCTIONS); started=$$SECONDS; \
	if [ ! -x $(PY) ]; then make_venv $(VENV); fi; \
	step "[1/4] pip"; run_pip $(VENV) -c constraints.txt pip setuptools hatchling editables; \
	step "[2/4] torch"; install_torch $(VENV) -c constraints.txt; \
	step "[3/4] the other packages (about $$(grep -c == constraints.txt), a few minutes)"; \
	run_pip $(VENV) -c constraints.txt --no-build-isolation -e ./weights -e .; compile $(VENV); \
	step "[4/4] a first look"; $(PY) -m assistant --version; \
	echo "Installed in $$((SECONDS - started)) s; $$(du -sh $(VENV) | cut -f1) in $(VENV)."
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@$(FUNCTIONS); step "Tools for development"; \
	run_pip $(VENV) -c constraints.txt --no-build-isolation --group dev; compile $(VENV)
	@touch $@

$(VENV)/.installed-training: $(VENV)/.installed
	@$(FUNCTIONS); step "Tools for training"; \
	run_pip $(VENV) -c constraints.txt --no-build-isolation --group training; compile $(VENV)
	@touch $@

# Shell functions, for the recipes above.
define functions
set -euo pipefail

step() { echo "== $$*"; }

make_venv() {
  local python
  for python in $(PYTHONS); do
    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break
    python=
  done
  if [ -z "$$python" ]; then
    echo "Dateline needs Python 3.11 or later; none of these is: $(PYTHONS)." >&2
    echo "Install one, or name it: make chat PYTHON=/path/to/python3.12" >&2
    return 1
  fi
  step "Making $$1 with $$("$$python" --version) ($$(command -v "$$python"))"
  if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "This Python cannot make virtual environments: its venv module is missing." >&2
    echo "On Debian and Ubuntu: sudo apt install $$("$$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" >&2
    return 1
  fi
  "$$python" -m venv "$$1"
}

# pip install into the environment $$1, with a line now and then instead of a page; all that pip
# says is in install.log there, and its end is shown where it fails.
run_pip() {
  local venv=$$1 line found=0; shift
  if "$$venv/bin/python" -m pip install --no-compile --progress-bar off "$$@" 2>&1 | tee -a "$$venv/install.log" |
    while IFS= read -r line; do
      case $$line in
        Collecting* | Processing*) found=$$((found + 1)); [ $$((found % 20)) -ne 0 ] || echo "   $$found packages found" ;;
        *Downloading*[0-9][0-9].[0-9]\ MB\)*) echo "  $$line" ;;
        Installing\ collected*) echo "   unpacking $$(($$(wc -w <<<"$$line") - 3)) packages" ;;
      esac
    done
  then return 0; fi
  echo "pip failed; its last lines (all of them: $$venv/install.log):" >&2
  tail -n 15 "$$venv/install.log" >&2
  return 1
}

# What was installed becomes bytecode, on every core; pip would take one. Some packages carry files that are
# not meant to compile.
compile() {
  "$$1/bin/python" -m compileall -q -j 0 "$$1"/lib/python*/site-packages >/dev/null 2>&1 || true
}

# The CPU build if its index answers (at once, or not at all), else what pip finds by itself. The
# packages that torch needs come later, from the usual index.
install_torch() {
  local venv=$$1 torch; shift
  torch=$$(sed -n 's/^ *"\(torch[<>=][^"]*\)",/\1/p' pyproject.toml)
  if [ -n "$(TORCH_INDEX)" ]; then
    echo "   $$torch without CUDA (about 200 MB) from $(TORCH_INDEX)"
    if run_pip "$$venv" "$$@" --retries 0 --timeout 15 --no-deps --index-url "$(TORCH_INDEX)" "$$torch" 2>/dev/null
    then return; fi
    echo "   not to be had there: taking $$torch from pip's usual one; on Linux this may bring several GB of CUDA"
  fi
  run_pip "$$venv" "$$@" "$$torch"
}

needs_sets() {
  local name
  for name in $(SETS); do
    if [ -z "$(EVAL)" ] || [ ! -d "$(EVAL)/$$name" ]; then
      echo "Name the folder that holds the set $$name: EVAL=folder (training/README.md lists them all)." >&2
      return 1
    fi
  done
}

needs_base() {
  if [ -z "$(BASE)" ] || [ ! -e "$(BASE)/model.safetensors" ]; then
    echo "Name the folder of all-mpnet-base-v2 in Hugging Face format: make reader BASE=folder EVAL=folder" >&2
    return 1
  fi
}

# part NAME TEXT COMMAND...: run the command, logged, unless RUN has the mark NAME of its being done.
part() {
  local name=$$1 text=$$2; shift 2
  if [ ! -e "$(RUN)/$$name" ]; then
    step "$$text"
    "$$@" 2>&1 | tee -a "$(RUN)/log.txt"
    touch "$(RUN)/$$name"
  fi
}

# The arguments for what is left of MINUTES after the checkpoints in the log, so that the learning rate
# begins to fall when it would have without the interruption.
minutes_left() {
  touch "$(RUN)/log.txt"
  awk -v minutes=$(MINUTES) -v cool=$(COOL_DOWN) '
    / s: ready; / { used += saved; saved = 0 }
    match($$0, /[0-9]+ s: saved at step/) { saved = substr($$0, RSTART) / 60 }
    END {
      left = minutes - used - saved; if (left < 0.1) left = 0.1
      share = cool * minutes / left; if (share > 1) share = 1
      printf "--minutes %.1f --cool-down %.3f", left, share
    }' "$(RUN)/log.txt"
}
endef
export functions
FUNCTIONS := eval "$$functions"
