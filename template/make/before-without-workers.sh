# Called by make/move.py before the module goes.
sh make/forget-queues.sh business_worker workers
