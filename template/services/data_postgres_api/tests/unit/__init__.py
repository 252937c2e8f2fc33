"""Tests of the data service; a package, because `conftest.py` of the project has the same name."""
