"""Residual networks: the methods that change what a block adds to its shortcut."""
