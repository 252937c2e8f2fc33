# Called by make/move.sh before the module goes.
sh make/forget-queues.sh business_worker workers
