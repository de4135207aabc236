"""The laws: one file per method, and in `core` what they are made of."""
