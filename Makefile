# What people type. `make help` lists it; every target makes the environment it needs first.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help venv demo demo-kill demo-update clean-demo board-day test fuzz chaos torture bricks fleets cuts mutants bench lock

help:  ## List what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile
	@echo
	@echo "  make demo SPEED=60       a day in 24 minutes, starting a day ago"
	@echo "  make demo PORT=8090      the console on another port"
	@echo "  make demo BOARDS=2       two of the four concentrators are virtual MicroPython boards"
	@echo "  make test ROOM=edge      one room's tests only; INSTALL=no installs nothing by apt"

venv:  ## Make .venv: all five distributions, and what tests and benchmarks need
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: \`apt install python3 python3-venv\` brings it (3.11 or newer)."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 7))' || { echo "$(PYTHON) is too old: WUM needs Python 3.11 or newer."; exit 1; }
	@$(PYTHON) demo/make_venv.py

demo: venv  ## A street of 64 meters, a broker, a database and the console, on this machine
	@exec $(BIN)/python -m demo run --updates --ends-with-parent $(if $(SPEED),--speed $(SPEED)) $(if $(PORT),--port $(PORT)) $(if $(BOARDS),--boards $(BOARDS))

demo-kill: venv  ## Kill a part of the running demo: WHAT=broker (without WHAT: what there is)
	@$(BIN)/python -m demo kill $(WHAT)

demo-update: venv  ## In a demo that runs: start the better release, then the one that crashes, and say what comes of it
	@$(BIN)/python -m demo update

clean-demo:  ## Forget the demo's data, passwords and keys
	@$$(test -x $(BIN)/python && echo $(BIN)/python || echo $(PYTHON)) -m demo forget

test: venv  ## Every test, each room walled off from the others; installs what it needs
	@$(BIN)/python tests/run_rooms.py $(ROOM:%=--room %) $(if $(filter no,$(INSTALL)),--install-nothing) $(if $(CI),--nothing-skipped)

fuzz: venv  ## Fuzz every parser with atheris for SECONDS=600 each (TARGET=modbus: only one)
	@$(BIN)/tox -q -e fuzz -- --seconds $(or $(SECONDS),600) $(TARGET:%=--target %)

chaos: venv  ## Break everything between gateways and head-end, SEEDS=100000 times; goes on after Ctrl-C
	@$(BIN)/python -m tests.system.chaos.run --processes $(or $(PROCESSES),$$(nproc)) --seeds $(or $(SEEDS),100000) --progress .chaos-progress $(FIRST:%=--first %)

torture: venv  ## Cut the archive's power everywhere, then twice; SEED=7 draws other samples (minutes)
	@PYTHONPATH=. $(BIN)/python -m tests.edge.cpython.torture $(SEED:%=--seed %)

bricks: venv  ## Cut the power everywhere in a life of updates, then twice; SEED=7 draws others (minutes)
	@PYTHONPATH=. $(BIN)/python -m tests.edge.cpython.update_cuts $(SEED:%=--seed %)

fleets: venv  ## Campaigns over many fleets of 2,000 of which 5 % fail, in virtual time; COUNT=50 draws more (an hour)
	@PYTHONPATH=. $(BIN)/python -m tests.cloud.campaigns.many $(COUNT)

cuts: venv  ## Kill ingest and the keeper of summaries at every single statement (minutes)
	@WUM_CUT_EVERY=1 $(BIN)/python -m pytest -q tests/cloud/ingest/test_every_statement.py tests/cloud/history/test_killed_keeper.py

mutants: venv  ## Break the head-end on purpose, and want the street's test to notice
	@$(BIN)/python tests/system/mutants.py

board-day: venv  ## A virtual board reads 20,000 times and for 24 hours of its time: a steady heap
	@WUM_BOARD_READS=20000 WUM_BOARD_HOURS=24 $(BIN)/pytest -q -s tests/ports/test_board_steady.py

soak: venv  ## 100 concentrators and faults all the time for MINUTES=120: nothing lost, memory flat
	@$(BIN)/python tests/system/soak.py $(if $(MINUTES),--minutes $(MINUTES))

bench: venv  ## Every benchmark into benchmarks/RESULTS.md (ONLY="bus fleet": these; QUICK=yes: a minute each)
	@PYTHONPATH=benchmarks $(BIN)/python -m kit.collect $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

lock: venv  ## Bring requirements.lock to the newest versions that fit
	@$(BIN)/uv lock --quiet --upgrade
	@{ echo "# Made by \`make lock\` from the five pyproject.toml and the groups; not edited by hand."; \
	   $(BIN)/uv export --quiet --frozen --all-packages --all-extras --all-groups \
	   --no-emit-workspace --no-annotate --no-header; } > requirements.lock.draft
	@mv requirements.lock.draft requirements.lock
	@$(PYTHON) demo/make_venv.py
	@$(BIN)/python -m demo.make_packages 'wum-edge[gpio,linux]' > edge/packages.toml
	@git diff --stat -- requirements.lock edge/packages.toml
