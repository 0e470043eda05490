# make demo   set up, make the demo city, analyse it, serve it on http://127.0.0.1:8000
# make test   set up, check style, types and import directions, run every test (make test-long: hours)
PYTHON ?= python3
export PYTHON
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup setup-test demo serve test test-long drill screenshots check fmt bench conformance evaluate lock clean

help: ## 说明 this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

setup: ## 安装 everything that the demo needs
	@scripts/setup

setup-test:
	@scripts/setup --test

demo: setup ## 演示 the demo city on http://127.0.0.1:8000
	@$(BIN)/wangge demo

serve: setup ## 服务 serve the data that is there
	@$(BIN)/wangge serve

test: setup-test ## 测试 style, types, imports, all tests (browser included)
	@scripts/verify

test-long: setup-test ## 久测 random operations, kills and properties, twenty times as much of each (hours)
	@$(BIN)/pytest -n 2 --dist load -m long --long -o timeout=14400

ROUNDS ?= 2
MINUTES ?= 10
drill: setup-test ## 演练 faults under load and a soak: ROUNDS=2 MINUTES=10, acknowledged against stored
	@$(BIN)/python -m tests.support.drills --rounds $(ROUNDS) --minutes $(MINUTES) $(DRILL)

FOLDER ?= screenshots
screenshots: setup-test ## 截图 every view of the console with the demo city: FOLDER=screenshots ONLY="alert case"
	@$(BIN)/python -m tests.support.screenshots $(FOLDER) $(if $(ONLY),--only $(ONLY))

check: setup-test ## 检查 the same without the tests
	@scripts/verify --static

fmt: setup-test ## 格式化 format and mend what can be mended
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/python hatch_build.py run fmt
	@$(BIN)/python scripts/write_data_page.py
	@$(BIN)/python scripts/write_module_table.py
	@$(BIN)/python scripts/write_glossary_page.py
	@$(BIN)/python scripts/write_model_schema.py
	@$(BIN)/python scripts/write_sources_schema.py
	@$(BIN)/python scripts/write_openapi.py
	@$(BIN)/python scripts/write_api_types.py

bench: setup-test ## 性能 speed and memory (not part of the tests)
	@TRACKS="$(TRACKS)" scripts/bench

conformance: setup-test ## 符合性 clients and standards (not part of the tests)
	@$(BIN)/pip install --quiet --require-hashes -r requirements-conformance.lock
	@$(BIN)/pytest -o addopts= --import-mode=importlib -ra --conformance tests/conformance

evaluate: setup ## 评估 planted cities by kind, docs/evaluation.md
	@$(BIN)/wangge evaluate

lock: ## 锁定 resolve pyproject.toml into the lock files
	@scripts/lock

clean: ## 清理 remove everything that `make` made here (not the data folder)
	rm -rf .venv .setup maps/web/dist maps/web/node_modules .mypy_cache .ruff_cache .pytest_cache \
	    .hypothesis .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
