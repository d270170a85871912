# Everything that is done to this tree by hand or by CI. `make help` lists it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
KFP    := $(BIN)/kfp
# The tests of ernie_core run beside Paddle, on the Python of the images.
SCIENCE := .science
# The other Paddle that trainings run on.
PADDLE3 := .paddle3
PYTEST_ARGS ?=
# The generator of the documentation.
DOCS := .docs
# What the tests of runs build once for all of their processes.
export ERNIE_JOBS_TEST_ENVIRONMENTS ?= $(CURDIR)/build/environments
# Bytecode is written once and makes every start three times as fast.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup science paddle3 demo test test-ladder test-slow test-cluster ci lint generate generated docs images bench clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/ready  ## the command line and its tools in .venv

$(VENV)/ready: images/control/dev.lock pyproject.toml setup.py $(wildcard ernie_core/*/*.pyx ernie_core/*/*/*.pyx)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $$(grep -o '^uv==[^ ]*' images/control/dev.lock)
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r images/control/dev.lock
	# After kfp, and also where it is there already: both install a command `kfp`, and the last one stays.
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --reinstall-package ernie-jobs -e .
	$(BIN)/ernie-jobs doctor --fix > $(VENV)/doctor.txt || { cat $(VENV)/doctor.txt; exit 1; }
	touch $@

science: $(SCIENCE)/ready  ## the environment of the tests of ernie_core in .science

paddle3: $(PADDLE3)/ready  ## the environment of the tests that train on both Paddles, in .paddle3

$(SCIENCE)/ready: tests/requirements.lock
$(PADDLE3)/ready: tests/paddle3.lock

$(SCIENCE)/ready $(PADDLE3)/ready: %/ready: | $(VENV)/ready
	$(UV) venv --quiet --clear --python "$$($(BIN)/python -c 'from jobs.local import interpreter; print(interpreter.find().path)')" $*
	$(UV) pip install --quiet --python $*/bin/python --require-hashes -b images/text/build.lock -r $<
	# Paddle before zlib is a segmentation fault: the first line of every process puts that right.
	echo 'import zlib' > $$($*/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/aa_zlib_first.pth
	touch $@

demo: setup  ## the quickstart: from raw text to three predictions
	$(KFP) run specs/quickstart.yaml -y
	$(KFP) pull quickstart --store store --into build/quickstart --verify
	$(KFP) predict build/quickstart "服务态度很好，下次还会来" "质量太差了，退货也没人理" "物流很快，宝贝和描述的一样"

test: setup science paddle3  ## every test but the slow ones
	$(BIN)/python -m pytest tests/jobs tests/components tests/catalogue tests/docs tests/install $(CLUSTER_TESTS) -m "not slow" -n 3 --dist loadfile $(PYTEST_ARGS)
	$(BESIDE_PADDLE) $(SCIENCE)/bin/python -m pytest $(SCIENCE_TESTS) -m "not slow" -n 2 --dist loadfile $(PYTEST_ARGS)

BESIDE_PADDLE := OMP_NUM_THREADS=1 MKL_DEBUG_CPU_TYPE=5 ERNIE_OTHER_PADDLE=$(CURDIR)/$(PADDLE3)/bin/python
CLUSTER_TESTS := $(wildcard tests/chart tests/images tests/launch)
SCIENCE_TESTS := $(foreach room,store text model data datasets train tasks compress serve,$(wildcard tests/$(room)))

LADDER := $(addprefix tests/jobs/test_,drill.py schedule.py away.py full_disk.py)

test-ladder: setup science paddle3  ## slow tests of trainings that are killed, lose a rank, go on with another number
	$(BIN)/python -m pytest $(LADDER) -m slow -n 2 --dist load $(PYTEST_ARGS)
	$(BESIDE_PADDLE) $(SCIENCE)/bin/python -m pytest tests/train tests/tasks -m slow -n 2 --dist load $(PYTEST_ARGS)

test-slow: setup science paddle3  ## the slow tests alone (5 is pytest's word for: there are none)
	$(BIN)/python -m pytest tests/jobs tests/components tests/catalogue tests/install $(CLUSTER_TESTS) -m slow $(PYTEST_ARGS) || test $$? = 5
	$(BESIDE_PADDLE) $(SCIENCE)/bin/python -m pytest $(SCIENCE_TESTS) -m slow $(PYTEST_ARGS) || test $$? = 5

test-cluster: setup  ## tests on the cluster that the environment names, see docs/development.md
	@: $${KUBECONFIG:?names no cluster} $${KF_PIPELINES_ENDPOINT:?names no cluster} $${ERNIE_JOBS_SITE:?names no cluster}
	$(BIN)/python -m pytest tests/cluster -rs --timeout 1200 $(PYTEST_ARGS)

lint: setup  ## style, types, directions of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

generate: setup  ## schema, and the reference pages of docs/
	$(KFP) schema > specs/schema.json
	$(BIN)/python -m jobs.reference docs/reference

generated: generate  ## fails if something generated was not committed
	git diff --exit-code -- specs/schema.json docs/reference
	test -z "$$(git ls-files --others --exclude-standard -- docs/reference)"

docs: $(DOCS)/ready  ## the site, in build/site: links, anchors, files and tables are checked
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict
	ERNIE_TEST_SITE=build/site $(BIN)/python -m pytest -q tests/docs

$(DOCS)/ready: docs/requirements.lock | $(VENV)/ready
	$(UV) venv --quiet --clear --python $(BIN)/python $(DOCS)
	$(UV) pip install --quiet --python $(DOCS)/bin/python --require-hashes -r $<
	touch $@

ci: lint generated docs demo test test-ladder  ## what CI runs

images:  ## containers of every environment, tried; BASE and BUILDER by digest, see images/build
	images/build

bench: setup science  ## the tables of benchmarks/README.md, measured here
	for file in $$(grep -l __main__ benchmarks/*.py); do OMP_NUM_THREADS=1 MKL_DEBUG_CPU_TYPE=5 PYTHONPATH=. $(SCIENCE)/bin/python $$file; done

clean:  ## remove what the above made, but not the store
	rm -rf $(VENV) $(SCIENCE) $(PADDLE3) $(DOCS) build .mypy_cache .ruff_cache .pytest_cache
