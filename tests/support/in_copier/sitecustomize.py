"""Lets the Copier that `make upgrade` starts render as `tests.support.fast_copier` does.

Python imports this at its start when PYTHONPATH names this folder (`Project.make`). An update takes
a quarter of the CPU time with it.
"""

import sys
from pathlib import Path

if {Path(argument).name for argument in sys.orig_argv[1:3]} & {"copier", "move.py"}:
    sys.path.insert(0, str(Path(__file__).parents[3]))
    from tests.support.fast_copier import fast_copier

    _until_the_end = fast_copier()
    _until_the_end.__enter__()
