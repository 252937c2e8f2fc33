# Several hosts: Docker Swarm, from a stack file that follows from the production compose files.
.PHONY: stack-file stack stack-rollback
stack-file stack stack-rollback: FOR = prod
SWARM = COMPOSE="$(COMPOSE)" IMAGE_TAG="$(or $(VERSION),current)" python3

# With ON=stack, "make admin" and "make token" ask a replica of the Swarm, on a host that has one.
ifeq ($(ON),stack)
STACK = $(shell $(COMPOSE) config --format json | python3 -c 'import json, sys; print(json.load(sys.stdin)["name"])')
REPLICA = $$(docker ps --quiet --filter label=com.docker.swarm.service.name=$(STACK)_business_api | head -n 1)
IDENTITY = docker exec $(REPLICA) python -m business_api.identity
ASKING = docker exec --interactive $$(test ! -t 0 || echo --tty) $(REPLICA) python -m business_api.identity
endif

stack-file: certs secrets ## Write reports/docker-stack.json, for docker stack deploy: VERSION=1.2.3
	@$(SWARM) make/stack_file.py

stack: certs secrets issuer ## Bring a version into production on a Docker Swarm: VERSION=1.2.3
	$(VERSIONED)
	@$(SWARM) make/swarm.py deploy

stack-rollback: env ## Take the services on a Swarm back to the version before
	@$(SWARM) make/swarm.py back
