.PHONY: files-restore
files-restore: env ## Bring back the content of files that the object store has lost, from the second bucket
	@$(COMPOSE) exec -T files_worker python -m business_files.backup restore
