"""The rule engine: stages.jinja for Copier, stages.py for Python."""
