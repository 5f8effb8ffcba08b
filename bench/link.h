/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/link.h - two network namespaces and what joins them.
 *
 * A link is opened when it is first asked for and kept until the end, so that
 * all that are compared stand side by side: a cable that carries nothing
 * sleeps. The namespaces have no names: they end with their last process.
 */
#ifndef EP_BENCH_LINK_H
#define EP_BENCH_LINK_H

#include "bench.h"

#define BENCH_ADDR_A "10.77.0.1"
#define BENCH_ADDR_B "10.77.0.2"

/*
 * Have the link. Gives descriptors of its two namespaces, which stay the
 * link's.
 */
enum bench_result bench_link(enum bench_link which, int ns[2]);

void bench_close_links(void);

#endif /* EP_BENCH_LINK_H */
