"""The laws of Stagecraft, each a file, and what proves the rest."""
