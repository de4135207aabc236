"""Gibbs sampling of restricted Boltzmann machines on packed bits: the twin of `minidl.energy` where it samples.

Functions of the reference's names and signatures, in the order of its pages: layers (`layers`), contrastive divergence
(`divergence`), tours and membership (`tours`). On equal noise they give the reference's states, bit for bit, except
where a uniform number lies within rounding of its probability, since the sums are formed in another order.

And chains whose states stay packed (`chains`, `machines`, `state_sets`), with weights of float64, float32 or 8 bits,
and noise from a seed (`noise`).
"""

from __future__ import annotations

from minidl_kernels.chains import HIDDEN, START, VISIBLE, PackedStep, packed_step, packed_steps
from minidl_kernels.divergence import (
    cd_gradient,
    cd_statistics,
    draw_cd_gradient,
    draw_pcd_gradient,
    pcd_gradient,
    pcd_statistics,
)
from minidl_kernels.layers import (
    gibbs_step,
    hidden_probability,
    sample_hidden,
    sample_visible,
    visible_probability,
)
from minidl_kernels.machines import Int8Machine, Machine, int8_machine, machine
from minidl_kernels.noise import uniforms
from minidl_kernels.state_sets import StateSet, contains, find, state_set
from minidl_kernels.tours import in_set, pack_states, run_tours, unpack_states

__all__ = [
    "HIDDEN",
    "START",
    "VISIBLE",
    "Int8Machine",
    "Machine",
    "PackedStep",
    "StateSet",
    "cd_gradient",
    "cd_statistics",
    "contains",
    "draw_cd_gradient",
    "draw_pcd_gradient",
    "find",
    "gibbs_step",
    "hidden_probability",
    "in_set",
    "int8_machine",
    "machine",
    "pack_states",
    "packed_step",
    "packed_steps",
    "pcd_gradient",
    "pcd_statistics",
    "run_tours",
    "sample_hidden",
    "sample_visible",
    "state_set",
    "uniforms",
    "unpack_states",
    "visible_probability",
]
