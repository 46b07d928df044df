# Everything a person needs is one of these; the work is done by the scripts in docker/.

SHELL := /bin/bash
.DEFAULT_GOAL := help

.PHONY: help up up-prod-sim rehearse rehearse-alarms down clean logs ps smoke demo rollout reload backup backup-list backup-rotate restore replace-member test cluster-test attack bench fuzz check fmt

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{ printf "  make %-14s %s\n", $$1, $$2 }'
	@printf '\n  ENGINE=none   plain processes instead of containers (up, test)\n'
	@printf '  WEHPU_SCHOOL=hpu   another school than hpu-urp: hpu, demo-zf (up, smoke, demo, cluster-test); may stand in .env\n'
	@printf '  WEHPU_HTTP_PORT=8080   where "make up" publishes the proxy; may stand in .env\n'
	@printf '  CONFIRM=<project>   confirms "clean" and "restore" where there is no terminal to ask at\n'

up: ## install and build what is missing, start the whole stack, print how to try it
	@docker/stack.sh up

down: ## stop the stack; data stays
	@docker/stack.sh down

clean: ## stop the stack and remove its data, after it has asked
	@docker/stack.sh clean

ps: ## what runs: containers, members with role and lag, engines in rotation
	@docker/stack.sh ps

logs: ## follow the logs
	@docker/stack.sh logs

up-prod-sim: ## production with its secrets, TLS and limits, against the simulated campus: to rehearse on
	@docker/prod-sim/up.sh

rehearse: ## walk through what an operator of production does, under load (in a stack of its own)
	@docker/rehearse.sh

rehearse-alarms: ## raise and clear every alarm, seen by a real Prometheus, in a stack of its own
	@docker/rehearse-alarms.sh

smoke: ## a student's first day against the running stack
	@docker/smoke.sh

demo: ## every page of the mini-program against the running stack, to look at
	@docker/demo.sh

rollout: ## build the image (or IMAGE=…: take that one) and replace engines and spider, without a gap
	@docker/rollout.sh $(if $(IMAGE),--image $(IMAGE),--build)

reload: ## the proxy takes a changed configuration or certificate, without a gap
	@docker/reload.sh

backup: ## the database as one archive in backups/ (or FILE=…), while the service goes on
	@docker/backup.sh backup $(FILE)

backup-list: ## the backups, how old and how large; fails when the newest is older than a day
	@docker/backup.sh list

backup-rotate: ## one more backup, then only the newest stay (KEEP=7): for a daily timer
	@docker/backup.sh rotate $(KEEP)

restore: ## replace all that is stored by the archive FILE=…, after it has asked
	@docker/backup.sh restore $(FILE)

replace-member: ## rebuild a damaged member of the database (MEMBER=mongo2), copied from the others
	@docker/replace-member.sh $(MEMBER)

test: ## every check and every test, all set-up included
	@docker/test.sh

cluster-test: ## kill, pause, cut off and fill everything under load; FORM=long for the whole list
	@docker/cluster-test.sh $(or $(FORM),short)

attack: ## floods from one address while ordinary users read; FORM=long for minutes of each
	@docker/cluster-test.sh attack $(or $(FORM),short)

bench: ## speed and memory, in ratios to a minimal program (BENCH="--rounds 9" for more)
	@docker/bench.sh $(BENCH)

check: ## formatting, lints, documentation, alarms, dependencies
	@docker/check.sh

fuzz: ## requests made up from the API's description, against a stack of its own (FUZZ="-n 500" for more)
	@tests/fuzz/run.sh $(FUZZ)

fmt: ## format the code
	@cargo fmt --all
