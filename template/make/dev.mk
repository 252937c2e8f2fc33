# Development on a running stack.
.PHONY: dev
dev: FOR = dev
dev: env ## Start everything with hot reload and debug logs; Ctrl-C stops it
	$(COMPOSE) up --build
