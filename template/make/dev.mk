# Development on a running stack.
.PHONY: dev
dev: EXTRA = -f docker-compose.dev.yml
dev: env ## Start everything with hot reload and debug logs; Ctrl-C stops it
	$(COMPOSE) up --build
