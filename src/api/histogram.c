/* SPDX-License-Identifier: BSD-2-Clause */
#include <epair/histogram.h>

#include "base/atomic.h"
#include "base/sized.h"
#include "net/ifnet.h"

static void
add_queue(struct epair_if_histograms *h, const struct ep_rx_book *book)
{
	h->burst_frames += ep_load_relaxed(&book->burst_frames);
	for (unsigned i = 0; i < EPAIR_BURST_PLACES; i++)
		h->bursts[i] += ep_load_relaxed(&book->bursts[i]);
	for (unsigned i = 0; i < EPAIR_WAIT_PLACES; i++)
		h->waits[i] += ep_load_relaxed(&book->waits[i]);
	h->wait_ns += ep_load_relaxed(&book->wait_ns);
}

int
epair_if_get_histograms(struct epair_if *ifp, struct epair_if_histograms *h)
{
	struct epair_if_histograms all = { 0 };

	for (uint32_t b = 0; b < ifp->nrxqs; b++)
		add_queue(&all, &ifp->rxqs[b].book);
	return ep_sized_give(h, &all, sizeof(all));
}
