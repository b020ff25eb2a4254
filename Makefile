# Everything runs under Node 24. Each target first installs what it needs (scripts/setup).
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
node := scripts/with-node node
bin := scripts/with-node node_modules/.bin

# What `make test` runs: make test TESTS='core/*.test.ts gateway/*.test.ts'
TESTS ?= **/*.test.ts
# Test files in parallel; each starts its own servers. Most wait more than they compute.
export TEST_CONCURRENCY ?= 4
# Simulated worlds of make simulate.
SEEDS ?= 20000
# Limit of one test, for those that hang: the slowest take seconds. leaves-nothing.ts does the same for files.
TEST_TIMEOUT_MS ?= 240000
test_options = --test --import ./test/support/leaves-nothing.ts --test-concurrency=$(TEST_CONCURRENCY) --test-timeout=$(TEST_TIMEOUT_MS)

.PHONY: help demo up test test-browser simulate bench bench-quick test-mongodb faults attack chart chart-gen cluster-test image image-test check gen client setup clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: ## start everything locally, send notifications on every channel, show what arrived
	@scripts/setup run
	@bin/carillon demo

up: ## run the whole system locally, against simulated providers, until Ctrl-C
	@scripts/setup run
	@bin/carillon up

test: ## run all tests; make test TESTS='core/*.test.ts' for some
	@scripts/setup test
	@$(node) $(test_options) $(foreach pattern,$(TESTS),'$(pattern)')
	@[ "$(origin TESTS)" != file ] || scripts/test-browser if-there

test-browser: ## test the recipients' pages, the sandbox's inbox and the console in Chromium, installed where it is missing; make test-browser SCREENSHOTS=docs/images draws the pictures of the docs
	@SCREENSHOTS=$(SCREENSHOTS) scripts/test-browser

simulate: ## run the real code in simulated worlds with random faults; make simulate SEEDS=1000 for fewer
	@scripts/setup tools
	@$(node) test/simulation/main.ts --seeds $(SEEDS)

bench: ## measure everything, on both stores, and write docs/performance.md: two hours; make bench ONLY=relay,idle STORE=sqlite for less
	@NATS_URL= REDIS_URL= scripts/setup
	@$(node) bench/performance.ts --store $(or $(STORE),both) $(if $(ONLY),--only $(ONLY))

bench-quick: ## measure the hot paths beside bare parts, and write bench/results/quick.json: 3 minutes
	@NATS_URL= REDIS_URL= scripts/setup
	@$(node) bench/quick.ts

test-mongodb: ## run the tests of store, provisioning and demo against a MongoDB server
	@scripts/setup test
	@scripts/with-node scripts/test-mongodb

faults: ## inject faults into real servers, on both stores, and write docs/reliability.md: 25 minutes on 8 cores, twice that on fewer
	@scripts/setup test
	@[ -n "$(MONGODB_URI)" ] || command -v mongod >/dev/null || scripts/mongodb install
	@$(node) test/faults/main.ts --store both --write

attack: ## attack real processes under the chart's memory limit, and write docs/attacks.md: 10 minutes
	@scripts/setup test
	@$(node) test/attack/main.ts --write

image: ## build the container image; NODE_IMAGE and RUNTIME_IMAGE name its base images
	@scripts/image

image-test: ## assemble the image's files without a container and start every role from them
	@scripts/setup test
	@$(node) $(test_options) test/image/roles.ts

chart: ## check the chart: helm lint, assertions, and every ci/*-values.yaml against the strict schemas of every Kubernetes version: 1 minute
	@scripts/setup tools
	@scripts/chart/tools >/dev/null
	@$(node) --test deploy/helm/test/*.chart.ts
	@$(node) deploy/helm/test/matrix.ts

chart-gen: ## write the chart's README tables and values.schema.json from its values.yaml
	@scripts/setup tools
	@$(node) scripts/chart.ts gen

cluster-test: ## test the chart and its scaling on a real Kubernetes control plane, and draw docs/images/closed-loop.svg: 10 minutes, the first time 8 more; make cluster-test ONLY='closed loop'
	@scripts/setup test
	@scripts/kubernetes install
	@$(node) --test-reporter=spec $(if $(ONLY),--test-name-pattern='$(ONLY)') test/cluster/main.ts

check: ## types, style, contract, generated code, architecture: no server needed
	@scripts/setup tools
	$(bin)/tsc -p .
	$(bin)/tsc -p web
	$(bin)/biome check --error-on-warnings .
	$(node) scripts/proto.ts lint
	$(node) scripts/proto.ts breaking
	$(node) scripts/proto.ts fresh
	$(node) scripts/chart.ts fresh
	$(node) scripts/content-page.ts fresh
	$(node) $(test_options) test/architecture.test.ts

gen: ## write gen/ from proto/
	@scripts/setup tools
	@$(node) scripts/proto.ts gen

client: ## make a project with a typed client: make client LANG=go|python|node|java OUT=dir
	@scripts/setup tools
	@scripts/client "$(if $(filter command line,$(origin LANG)),$(LANG))" "$(OUT)"

setup: ## install what is missing to run it: Node 24, npm packages, nats-server, Redis
	@scripts/setup run
	@scripts/with-node node --version
	@echo "bin/carillon is ready: bin/carillon help"
	@$(node) cli/dev/find-server.ts $(if $(NATS_URL),,nats) $(if $(REDIS_URL),,redis)

clean: ## remove node_modules and what setup and tests cached, except MongoDB
	rm -rf node_modules .cache
	cd "$${CARILLON_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/carillon}" 2>/dev/null && rm -rf node servers clients example-clients peers setup.log || true
