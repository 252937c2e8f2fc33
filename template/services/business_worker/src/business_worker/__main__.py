"""The process of the worker: `python -m business_worker`."""

from business_worker.features import NAME, prepare
from business_worker.main import work
from chassis.process import run

if __name__ == "__main__":
    run(NAME, work, prepare)
