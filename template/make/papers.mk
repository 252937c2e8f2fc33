# The papers: what they name has to be there, and what is there has to be named.
.PHONY: papers
papers: ## Check alerts, runbooks, decision records and the targets that documents name
	@python3 make/papers.py
