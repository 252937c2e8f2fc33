"""How much the files of one owner take."""
