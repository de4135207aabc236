"""The laws of packed bits: the layout of words, and the products that count them."""

from minidl.laws.bits.packing import PACKING_CONTRACTS
from minidl.laws.bits.products import PRODUCT_CONTRACTS
from minidl.laws.core import Contract

CONTRACTS: tuple[Contract, ...] = (*PACKING_CONTRACTS, *PRODUCT_CONTRACTS)
