"""The background process of files: `python -m business_files.worker`."""

from business_files.worker.main import work
from chassis.modules import find_hooks
from chassis.process import run

if __name__ == "__main__":
    run("business_files", work, *find_hooks("business_files", "features", "prepare"))
