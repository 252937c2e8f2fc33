"""Tests of the running system, through its gateway."""
