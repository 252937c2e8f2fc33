.PHONY: stored-files
stored-files: ## Show how many files there are, by their state
	@$(COMPOSE) exec -T postgres psql -U app -d app -c "SELECT state, count(*), pg_size_pretty(coalesce(sum(size), 0)) AS size, min(updated_at) AS oldest FROM files GROUP BY state ORDER BY state"
