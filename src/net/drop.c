/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where frames end that are not received: counted under a reason, shown to
 * captures that saw them before, freed.
 */
#include "base/atomic.h"
#include "net/ifnet.h"
#include "net/watch.h"

static const char *const words[EPAIR_DROP_MAX] = {
#define WORD(NAME, word, side, counter, sentence) [EPAIR_DROP_##NAME] = word,
	EPAIR_DROPS(WORD)
#undef WORD
};

static const char *const sentences[EPAIR_DROP_MAX] = {
#define SENTENCE(NAME, word, side, counter, text) [EPAIR_DROP_##NAME] = text,
	EPAIR_DROPS(SENTENCE)
#undef SENTENCE
};

/* Which way a dropped frame went: what sent it drops it under a tx reason. */
enum { SIDE_rx, SIDE_tx };

static const bool is_outbound[EPAIR_DROP_MAX] = {
#define OUTBOUND(NAME, word, side, counter, text) \
	[EPAIR_DROP_##NAME] = SIDE_##side,
	EPAIR_DROPS(OUTBOUND)
#undef OUTBOUND
};

const char *
epair_drop_word(enum epair_drop reason)
{
	return (unsigned)reason < EPAIR_DROP_MAX ? words[reason] : NULL;
}

const char *
epair_drop_sentence(enum epair_drop reason)
{
	return (unsigned)reason < EPAIR_DROP_MAX ? sentences[reason] : NULL;
}

void
ep_drop_count(struct epair_if *ifp, uint64_t n, enum epair_drop reason)
{
	(void)ep_add_relaxed(&ifp->drops[reason], n);
}

/* Only what a capture has seen before is shown as dropped. */
static void
show_seen(struct epair_if *ifp, struct epair_mbuf **ms, unsigned n,
    enum epair_drop reason)
{
	struct ep_thread *thr = ep_thread_self(&ifp->ep->domain);

	if (thr == NULL)
		return;
	ep_epoch_begin(thr);
	for (unsigned i = 0; i < n; i++)
		if (ms[i]->flags & EPAIR_M_PKTID)
			ep_watch_show(ifp, is_outbound[reason], (int)reason, 0,
			    &ms[i], 1);
	ep_epoch_end(thr);
}

int
ep_drop(struct epair_if *ifp, struct epair_mbuf **ms, unsigned n,
    enum epair_drop reason, int error)
{
	if (n == 0)
		return error;
	ep_drop_count(ifp, n, reason);
	if (ep_load_relaxed(&ifp->watchers) != NULL)
		show_seen(ifp, ms, n, reason);
	ep_mbuf_free(ms, n);
	return error;
}
