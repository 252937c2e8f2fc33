# What is promised about errors and times, held against the running system under load.
.PHONY: performance

# From the command line only, as NAME.
ifneq ($(origin PROFILE),command line)
override PROFILE :=
endif
ifneq ($(origin DURATION),command line)
override DURATION :=
endif

performance: uv ## Hold the running system against its objectives: PROFILE=load|stress|spike|soak
	@case $(call given,PROFILE) in load|stress|spike|soak) ;; \
	  *) printf 'There is no profile "%s". Say which: make performance PROFILE=load (or stress, spike, soak)\n' $(call given,PROFILE); exit 2 ;; esac
	@BUSINESS_API="$$($(COMPOSE) port business_api 8000)" \
	  DATA_POSTGRES_API="$$($(COMPOSE) port data_postgres_api 8001)" \
	  CALLER_COMMAND='$(CALLER) WHO=performance-test' \
	  $(UV) run --isolated --only-group load python -m tests.performance.run $(PROFILE) $(if $(value DURATION),$(call given,DURATION))
