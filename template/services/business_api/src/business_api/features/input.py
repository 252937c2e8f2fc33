"""Refuses input that no honest client sends."""

from chassis.phases import Phase
from chassis.security.input import hardened_input

PHASE = Phase.INPUT
feature = hardened_input
