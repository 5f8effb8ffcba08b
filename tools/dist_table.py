#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Write src/impair/dist_table.c: the quantile functions that jitter is drawn by.

Offline, since the library uses no floating point where a run must come out the
same everywhere. Entry i is the quantile at i/1024, in 65536ths of the jitter;
between two entries it is straight. Where a tail goes on for ever, the last
entry is put such that the last piece has the tail's mean.

normal: the upper half, i/1024 of it; mean 0, deviation 1.
pareto: netem's, (x - 1.5) * 4/3 for a Pareto with a = 3; its upper tail is at
entry 0.
"""
import statistics

CELLS = 1024
ONE = 65536


def normal():
    dist = statistics.NormalDist()
    q = [dist.inv_cdf(0.5 + i / CELLS / 2) for i in range(CELLS)]
    tail = 1 / CELLS / 2
    q.append(2 * dist.pdf(q[-1]) / tail - q[-1])
    return q


def pareto():
    q = [(i / CELLS) ** (-1 / 3) for i in range(1, CELLS + 1)]
    q.insert(0, 2 * 1.5 * q[0] - q[0])
    return [(x - 1.5) * 4 / 3 for x in q]


def table(name, values):
    words = [f"{round(v * ONE)}," for v in values]
    print(f"\nconst int32_t ep_dist_{name}[EP_DIST_CELLS + 1] = {{")
    for i in range(0, len(words), 8):
        print("\t" + " ".join(words[i:i + 8]))
    print("};")


print("/* SPDX-License-Identifier: BSD-2-Clause */")
print("/* Made by tools/dist_table.py, which says what the numbers are. */")
print('#include "impair/dist.h"')
print("\n/* clang-format off */")
table("normal", normal())
table("pareto", pareto())
