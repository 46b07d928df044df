# Everything a person needs is one of these; the work is done by the scripts in docker/.

SHELL := /bin/bash
.DEFAULT_GOAL := help

.PHONY: help up down clean logs ps smoke demo test check fuzz fmt

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{ printf "  make %-8s %s\n", $$1, $$2 }'
	@printf '\n  ENGINE=none   plain processes instead of containers (up, test)\n'
	@printf '  WEHPU_HTTP_PORT=8080   where "make up" publishes the proxy\n'

up: ## install and build what is missing, start the whole stack, print how to try it
	@docker/stack.sh up

down: ## stop the stack; data stays
	@docker/stack.sh down

clean: ## stop the stack and remove its data
	@docker/stack.sh clean

ps: ## what runs
	@docker/stack.sh ps

logs: ## follow the logs
	@docker/stack.sh logs

smoke: ## a student's first day against the running stack
	@docker/smoke.sh

demo: ## every page of the mini-program against the running stack, to look at
	@docker/demo.sh

test: ## every check and every test, all set-up included
	@docker/test.sh

check: ## formatting, lints, documentation, dependencies
	@docker/check.sh

fuzz: ## requests made up from the API's description, against a stack of its own (FUZZ="-n 500" for more)
	@tests/fuzz/run.sh $(FUZZ)

fmt: ## format the code
	@cargo fmt --all
