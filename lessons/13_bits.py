# %% [markdown]
# # Bits: from NumPy to the roofline in five steps
#
# **Question.** How much faster does a product become when one word holds 64 of its factors?
#
# **You will** pack signs into words, multiply them by counting, find that the obvious program is *slower* than float32,
# and make it faster in five steps until the processor's ports are busy; at each step you put what was measured beside
# what arithmetic allows.
#
# **You need** binary numbers and matrix products. No assembler: what a loop compiles to is told in words. 15 seconds on
# two cores, and once a few more for compiling.
#
# **Papers.** Rastegari, Ordonez, Redmon, Farhadi, *XNOR-Net*, 2016, section 3.2 (the product); Muła, Kurz, Lemire,
# *Faster Population Counts Using AVX2 Instructions*, 2018 (carry-save adders); Williams, Waterman, Patterson,
# *Roofline*, 2009 (limits). The reference is `minidl.bits`, its twins `minidl_kernels.bits` and
# `minidl_kernels.simd_bits`, and steps two to four are `minidl_kernels.counts`.

# %%
from minidl.lesson import Lesson

lesson = Lesson(
    "13_bits",
    title="Bits: from NumPy to the roofline in five steps",
    question="How much faster does a product become when one word holds 64 of its factors?",
    params=dict(seed=0, rows=512, columns=512, length=4096, rounds=7),
    quick=dict(rows=37, columns=70, length=1000, rounds=1),
    help=dict(
        rows="rows of the left matrix",
        columns="rows of the right matrix, whose transpose is multiplied",
        length="signs in a row",
        rounds="turns in which all contenders are timed",
    ),
    seconds=15,
    threads=1,  # limits are those of one core
)
p = lesson.params

# %%
import re
import time
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
from minidl_kernels import bits as plain
from minidl_kernels import counts, cpu, simd_bits, simd_counts
from numba import njit

from minidl import bits

rng = np.random.default_rng(p.seed)
x, y = (rng.choice(np.float32([-1, 1]), (rows, p.length)) for rows in (p.rows, p.columns))  # (M, K), (N, K)


def timed(run, calls):
    """Seconds of CPU time per call."""
    start = time.process_time()
    for _ in range(calls):
        run()
    return (time.process_time() - start) / calls


def race(contenders):
    """Seconds per call of each contender, turn by turn, so that a drift of the machine hits all of them alike."""
    for run in contenders.values():
        run()  # compiles, and fills the caches
    calls = {name: 1 + int(2e-3 / max(timed(run, 1), 1e-6)) for name, run in contenders.items()}
    turns = [{name: timed(run, calls[name]) for name, run in contenders.items()} for _ in range(p.rounds)]
    return {name: np.array([turn[name] for turn in turns]) for name in contenders}


def faster(seconds, name, than="float32"):
    """How many times as fast, by the median over the turns."""
    return float(np.median(seconds[than] / np.maximum(seconds[name], 1e-9)))


# %% [markdown]
# ## Signs are bits
#
# Let bit 1 stand for +1 and bit 0 for -1. Two signs multiply to +1 where their bits agree and to -1 where they differ,
# so with $|z|$ the number of ones in $z$,
#
# $$ s \cdot t = \sum_k s_k t_k = K - 2\,|x \oplus y|, \qquad x \cdot y = |x \wedge y| \ \text{ for zeros and ones.} $$
#
# 64 multiplications and additions become one exclusive or and one count. Both sides, on these matrices:

# %%
a, b = bits.pack_signs(x), bits.pack_signs(y)  # (M, words), (N, words)
product = x @ y.T  # (M, N) exact: whole numbers below 2^24
lesson.claim(
    "entries where K - 2 |x ^ y| is not the product of signs",
    predicted=0,
    measured=int(np.sum(bits.xnor_product(a, b, p.length) != product)),
)
lesson.claim(
    "entries where |x & y| is not the product of zeros and ones",
    predicted=0,
    measured=int(np.sum(bits.and_product(a, b) != (x > 0).astype(int) @ (y > 0).astype(int).T)),
)
lesson.claim(
    "bytes of float32 signs over bytes of words",
    predicted=32 * p.length / (64 * bits.word_count(p.length)),
    measured=x.nbytes / a.nbytes,
    because="four bytes a sign against an eighth of one, less the padding of the last word",
)

# %% [markdown]
# ## The failure first: step 1, NumPy's `bitwise_count`
#
# `np.bitwise_count(row ^ b).sum(axis=1)` for each row. It does a 64th of the operations that float32 needs; so it should
# be many times as fast.

# %%
first = race({"float32": lambda: x @ y.T, "bitwise_count": lambda: bits.xnor_product(a, b, p.length)})


def each_row(f):
    for row in a:
        f(row)


share = race(
    {
        "exclusive or": lambda: each_row(lambda row: row ^ b),
        "and counted": lambda: each_row(lambda row: np.bitwise_count(row ^ b)),
        "and added up": lambda: each_row(lambda row: np.bitwise_count(row ^ b).sum(axis=1, dtype=np.int32)),
    }
)
print(f"step 1, bitwise_count: {faster(first, 'bitwise_count'):.2f} times the speed of the float32 product")
for name, seconds in share.items():
    print(f"  {name:13s} {np.median(seconds) * 1e3:8.2f} ms so far")

# %% [markdown]
# It is about as fast as float32, or slower. **In words:** three loops of C, each over all words of `b` for each row of
# `a`. The first writes 8 bytes a word, the second reads them back and writes a byte, the third reads bytes, widens them
# and adds them up in short rows. What the processor computes for a word is three instructions; what it does for moving
# it about is much more.
#
# ## Limits by arithmetic
#
# A core issues a few vector instructions a cycle, whatever they compute. Float32 has a fused multiply-add, two of them a
# cycle: with vectors of 16 numbers that is 32 multiply-adds a cycle, with 8 numbers 16. For bits we count instructions
# for each vector of words:
#
# * a vector of 4 words (32 bytes, what LLVM prefers) holds 256 places, one of 8 words (64 bytes) holds 512;
# * three of the smaller instructions fit into a cycle, two of the larger ones;
# * an exclusive or is one instruction, an addition is one. A count is **one** where the processor counts vectors
#   (AVX512-VPOPCNTDQ, since 2019), but only one a cycle; otherwise it is **eight**: split nibbles, look both up
#   in a table of 16 entries, add, add up the bytes.

# %%
wide, counting = cpu.has(*cpu.AVX512), cpu.has(*cpu.COUNTING)


def limit(instructions, vectors, words, per_cycle):
    """Multiply-adds a cycle, from the number of instructions for so many vectors of words."""
    return 64 * words * vectors * per_cycle / instructions


COUNT, WORDS = 1 if counting else 8, 4 if cpu.has("avx2") else 2
one_port = 64 * WORDS if counting else np.inf  # one count of a vector in a cycle
limits = {
    "float32": 32 if wide else 4 * WORDS,
    "numba, rows": min(limit(2 + COUNT, 1, WORDS, 3), one_port),
    "blocks": min(limit(2 + COUNT, 1, WORDS, 3), one_port),
    # for 8 vectors: 8 exclusive ors, 7 adders of 3 instructions, a count, an addition, 4 loads and stores of what waits
    "carry-save": limit(8 + 7 * 3 + COUNT + 1 + 4, 8, WORDS, 3),
}
# 2 vectors: an adder that holds the exclusive ors, a count, an addition; or 16 vectors and four levels of adders
explicit = limit(5, 2, 8, 2) if counting else limit(8 * 3 + 7 * 2 + COUNT, 16, 8, 2)
limits["explicit SIMD"] = explicit if wide else limits["carry-save"]  # without AVX-512 it is the plain kernels
counts_by = "one instruction" if counting else "a lookup of nibbles"
print(f"this processor: AVX-512 {'yes' if wide else 'no'}; a vector of words is counted by {counts_by}")


@njit
def dependent(n):
    """n times six operations of a cycle each, of which every one needs the one before: a clock."""
    x = np.uint64(88172645463325252)
    for _ in range(n):
        x ^= x << np.uint64(13)
        x ^= x >> np.uint64(7)
        x ^= x << np.uint64(17)
    return x


def instructions(kernel, *arguments):
    """How often the interesting vector instructions stand in a kernel's code, compiled afresh."""
    fresh = njit(kernel.py_func)
    fresh(*arguments)
    code = fresh.inspect_asm(fresh.signatures[0])
    found = re.findall(r"\b(vpopcnt|vpshufb|vpxor|vpand|vpor|vpternlog|vpadd)[a-z]*\s[^\n]*%([yz])mm", code)
    common = Counter(found).most_common(5)
    return ", ".join(f"{n} {name} of {32 if width == 'y' else 64} bytes" for (name, width), n in common) or "others"


# %% [markdown]
# ## Step 2: one loop that LLVM understands
#
# `counts.count_rows` is three nested loops: rows of `a`, rows of `b`, words. `ones(word)` is the classic arithmetic with
# masks 0x5555..., 0x3333..., 0x0F0F... **In words:** LLVM knows that arithmetic and replaces it by its population count;
# then it takes four words at a time: load and exclusive or, count, add. Nothing is written until the row is done, so two
# of NumPy's three trips to memory are gone.
#
# ## Step 3: blocks
#
# `counts.count_blocks` stores 64 rows of `b` side by side, a *panel*, so that the innermost loop has one word of `a` and
# 64 neighbours in memory. **In words:** the same three instructions; but each word of `a` serves 64 products, no sum
# across a vector is left to the end of a row, and a panel stays in the nearest cache while all rows of `a` pass by.
#
# ## Step 4: carry-save adders
#
# If counting is dear, count less. A full adder turns three bits of equal weight into a sum and a carry of twice the
# weight, in 64 columns at once, by logic alone:
#
# $$ t = a \oplus b, \qquad s = t \oplus c, \qquad \mathrm{carry} = (t \wedge c) \vee (\neg t \wedge a), $$
# $$ a + b + c = s + 2\,\mathrm{carry}. $$
#
# Seven adders make of eight words one of weight 8, and only that one is counted. All eight cases, by both sides:

# %%
cases = np.array([[i >> k & 1 for k in range(3)] for i in range(8)], np.uint64)  # (8, 3)
added = [counts.add_three.py_func(*case) for case in cases]  # pairs of words, of which bit 0 is looked at
lesson.claim(
    "a + b + c = s + 2 carry, in all eight cases",
    predicted=cases.sum(axis=1).astype(int),
    measured=np.array([int(s & np.uint64(1)) + 2 * int(c & np.uint64(1)) for s, c in added]),
)

# %% [markdown]
# **In words:** LLVM fuses pairs of logical operations into one (vpternlog, any function of three bits), and keeps what
# waits, `one`, `two` and `four`, in memory between blocks. Where a count is one instruction, this is more work than it
# saves, and step 4 is a step back; where a count is eight, it is a step ahead. Your processor decides.
#
# ## Step 5: say which instructions
#
# `simd_counts` emits LLVM's own language for the innermost part. **In words:** vectors of 64 bytes; a tile of 4 rows by
# 16 columns, whose sums live in registers over the whole row; and the adder takes the exclusive ors in: with
# $t = \mathrm{one} \oplus a_0 \oplus b_0$ and $s = t \oplus a_1 \oplus b_1$, each one instruction, the carry is
# $t\ ?\ \neg s : \mathrm{one}$, a third. LLVM would not find that: it takes the parts that $t$ and $s$ share apart again.

# %%
ready, panels = plain.panels(b), simd_bits.panels(b)
steps = {
    "float32": lambda: x @ y.T,
    "bitwise_count": lambda: bits.xnor_product(a, b, p.length),
    "numba, rows": lambda: p.length - 2 * counts.count_rows(a, b),
    "blocks": lambda: p.length - 2 * counts.count_blocks(a, ready.words, len(b)),
    "carry-save": lambda: p.length - 2 * counts.count_carry_save(a, ready.words, len(b)),
    "explicit SIMD": lambda: simd_bits.xnor_product(a, panels, p.length),
}
TICKS = 100_000
for name, run in list(steps.items())[1:]:
    lesson.claim(f"entries where {name} differs from float32", predicted=0, measured=int(np.sum(run() != product)))
seconds = race(steps | {"clock": lambda: dependent(TICKS)})
clock = 6 * TICKS / np.median(seconds["clock"])  # cycles per second
work = p.rows * p.columns * p.length  # multiply-adds
measured = {name: faster(seconds, name) for name in steps}
per_cycle = {name: work / np.median(seconds[name]) / clock for name in steps}
print(f"\nclock {clock / 1e9:.2f} GHz; multiply-adds a cycle:")
print(f"{'step':15s} {'measured':>9s} {'limit':>7s}   times the speed of float32")
for name, ratio in measured.items():
    bound = f"{limits[name]:7.0f}" if name in limits else " " * 7
    print(f"{name:15s} {per_cycle[name]:9.1f} {bound}   {ratio:6.2f}")
lesson.result("times the speed of float32", measured)
lesson.result("multiply-adds a cycle", per_cycle)
lesson.result("limits in multiply-adds a cycle", limits)

# %%
print("\nin the code of each kernel, vector loops and what is left over together:")
print("  rows:      ", instructions(counts.count_rows, a[:2], b[:2]))
print("  blocks:    ", instructions(counts.count_blocks, a[:2], ready.words[:1], 1))
print("  carry-save:", instructions(counts.count_carry_save, a[:2], ready.words[:1], 1))
if wide and not lesson.quick:
    zeros = np.zeros(16, np.int32)
    out = np.zeros((4, 16), np.int32)
    print("  SIMD:      ", instructions(simd_counts.products, a[:4], panels.words[:1], zeros, zeros, 0, 0, 0, 0, out))

# %% [markdown]
# What is missing below a limit went into loads, loops and the edges of tiles. The BLAS stays below its own limit too.

# %%
figure, axes = plt.subplots(figsize=(7.5, 4))
names = [f"{name}\n{ratio:.1f} x float32" for name, ratio in measured.items()]
axes.barh(names, list(per_cycle.values()), color="#4393c3", label="measured")
for row, name in enumerate(steps):
    if name in limits:
        label = "limit by arithmetic" if row == 0 else None
        axes.plot([limits[name]] * 2, [row - 0.4, row + 0.4], color="#b2182b", lw=2, label=label)
axes.invert_yaxis()
axes.set(xlabel="multiply-adds a cycle", title=f"signs, {p.rows} x {p.columns} x {p.length}, one core")
axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 0.5))
lesson.figure(figure, "steps")

# %% [markdown]
# ## The other roof: memory
#
# A product of matrices uses each word many times. A *vector* times a matrix uses each entry once: then bytes count, not
# instructions. Here bits win twice: 32 times fewer bytes, and these may fit into a nearer cache. In the roofline
# picture, speed is bounded by `bytes per second` times `multiply-adds per byte` on the left, and by instructions on
# the right.

# %%
tall, one = (rng.choice(np.float32([-1, 1]), (n, 2 * p.length)) for n in (2 * p.columns, 1))  # (N', K'), (1, K')
one, few, many = one[0], bits.pack_signs(one[0]), simd_bits.panels(bits.pack_signs(tall))
lesson.claim(
    "entries where the vector's product differs from float32",
    predicted=0,
    measured=int(np.sum(simd_bits.xnor_product(few, many, len(one), np.float32) != tall @ one)),
)
vector = race(
    {
        "float32": lambda: tall @ one,
        "bits": lambda: simd_bits.xnor_product(few, many, len(one), np.float32),
    }
)
print(f"vector times matrix: bits are {faster(vector, 'bits'):.0f} times as fast as float32")
points = {
    "float32, product": (work / (x.nbytes + y.nbytes), work / np.median(seconds["float32"])),
    "bits, product": (work / (a.nbytes + b.nbytes), work / np.median(seconds["explicit SIMD"])),
    "float32, vector": (tall.size / tall.nbytes, tall.size / np.median(vector["float32"])),
    "bits, vector": (tall.size / (tall.nbytes / 32), tall.size / np.median(vector["bits"])),
}
bandwidth = tall.nbytes / np.median(race({"read": lambda: tall.ravel() @ tall.ravel()})["read"])

figure, axes = plt.subplots(figsize=(7.5, 4.5))
grid = np.logspace(-1.5, 4, 200)
for name, roof, colour in (("float32", "float32", "#777777"), ("bits", "explicit SIMD", "#b2182b")):
    axes.loglog(
        grid, np.minimum(bandwidth * grid, limits[roof] * clock), color=colour, lw=1.5, label=f"roof for {name}"
    )
for (name, (intensity, speed)), marker in zip(points.items(), "os^D", strict=True):
    axes.plot(intensity, speed, marker, ms=8, color="#b2182b" if "bits" in name else "#777777", label=name, ls="none")
axes.set(xlabel="multiply-adds for each byte of the operands", ylabel="multiply-adds per second", title="Two roofs")
axes.legend(frameon=False, fontsize=9)
lesson.figure(figure, "roofline")

# %% [markdown]
# The slanted roof is the speed at which this core reads an array of many megabytes. A point above it lives in a nearer
# cache.
#
# ## Real weights
#
# With bits on one side only, nothing is left to count: $(xW)_j$ is a sum of selected rows of $W$. Four bits select one of
# 16 sums, which are made once for all rows of $x$: a fourth of the additions, and no multiplication at all
# (`minidl_kernels.tables`). The twins add in one fixed order, so they agree to the last bit:

# %%
W = rng.standard_normal((p.length, 64)).astype(np.float32)  # (K, 64)
ones = (x > 0).astype(np.float32)  # (M, K)
lesson.claim(
    "entries where the two twins' float products differ",
    predicted=0,
    measured=int(np.sum(plain.float_product(a, W) != simd_bits.float_product(a, W))),
)
exact = ones.astype(np.float64) @ W.astype(np.float64)  # (M, 64)
depth = 6 + p.length / 32  # additions on the longest path
lesson.claim(
    "worst error of a float product, over the sum of magnitudes",
    predicted=depth * np.finfo(np.float32).eps / 2,
    measured=float(np.max(np.abs(plain.float_product(a, W) - exact) / (ones @ np.abs(W) + 1e-30))),
    relation="<=",
    because="each of the 6 + K/32 additions on a path rounds by at most half an ulp",
)
real = race({"float32": lambda: ones @ W, "tables": lambda: simd_bits.float_product(a, W)})
print(f"zeros and ones times real weights: tables are {faster(real, 'tables'):.1f} times as fast as float32")

# %% [markdown]
# ## Exercises
#
# Copy this file (`minidl lessons copy DIR`), write the functions, and run `minidl check 13_bits FILE`. Words are Python's
# integers here, which have no width of their own.


# %%
def exercise_1(states):
    """The words of a list of zeros and ones, as a list of integers: 64 states to a word, the first in the lowest bit."""
    raise NotImplementedError


def exercise_2(x, y, n):
    """The product of two rows of n signs, given as integers x and y whose n lowest bits are the signs (1 for +1)."""
    raise NotImplementedError


def exercise_3(a, b, c):
    """A full adder on words: the pair (sum, carry) with a + b + c = sum + 2 carry in each bit. Logic only: & | ^ ~."""
    raise NotImplementedError


def exercise_4(words, count):
    """The ones in a list of words, calling count(word) for at most a fourth of the words and two more. (Three adders
    make of four words one of weight 4.)"""
    raise NotImplementedError


# %% [markdown]
# ## The end: what was shown, and what was not
#
# **Shown.** A product of signs by counting is exact, and is several times to more than ten times as fast as float32
# by instructions alone; the obvious program is not; what limits each step can be counted by hand.
#
# **Not shown.** (1) What signs cost in accuracy, and the scaling factors that XNOR-Net adds. (2) Two cores. (3) Other
# processors' instructions: on ARM, LLVM makes its own of steps 2 to 4, and step 5 falls back to them. (4) Matrix tiles
# (AMX): products of bytes at 1,024 multiply-adds a cycle, more than counting allows, for eight times the memory.
#
# **Where the limits are rough.** They count vector instructions only, at the rates of recent x86 cores, and take for
# granted that loads are free. The clock is that of a loop of whole numbers, which vectors may slow down.
#
# Next: Gibbs sampling on packed states, `minidl_kernels.gibbs`, which is fast by the same means.

# %%
lesson.finish()
