"""Numba kernels for the hot paths of minidl: arrays in, arrays out, nothing compiled at import.

Every kernel has the name and the signature of the reference function it speeds up, and the laws of that function judge
both. This package knows NumPy and Numba only; it never imports minidl.
"""
