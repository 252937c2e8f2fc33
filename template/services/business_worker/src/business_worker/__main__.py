"""The process of the worker: `python -m business_worker`."""

from business_worker.main import work
from business_worker.settings import NAME
from chassis.modules import find_hooks
from chassis.process import run

if __name__ == "__main__":
    run(NAME, work, *find_hooks(NAME, "features", "prepare"))
