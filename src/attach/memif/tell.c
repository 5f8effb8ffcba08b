/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A peer that connects and hangs up ten thousand times a second must not be
 * able to fill everybody's event queues: a bucket of tokens, and what finds it
 * empty is told when there is one again, the last for all. So that what was
 * told last is always how things are.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "attach/memif/memif.h"
#include "base/clock.h"

#define TOKEN_NS   EP_NS_PER_S
#define TOKENS_MAX 16u

/* Take a token. Returns 0, or when there will be one. */
static uint64_t
take_token(struct ep_memif *memif)
{
	uint64_t now = ep_sched_mono(memif->st.ifp->ep->sched);
	uint64_t full = memif->tell.full_ns > now ? memif->tell.full_ns : now;

	if (full + TOKEN_NS > now + TOKENS_MAX * TOKEN_NS)
		return full + TOKEN_NS - TOKENS_MAX * TOKEN_NS;
	memif->tell.full_ns = full + TOKEN_NS;
	return 0;
}

void
ep_memif_tell(struct ep_memif *memif, const char *fmt, ...)
{
	struct ep_memif_tell *tell = &memif->tell;
	uint64_t when;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(tell->last, sizeof(tell->last), fmt, ap);
	va_end(ap);
	if (tell->untold > 0) {
		tell->untold++;
		return;
	}
	when = take_token(memif);
	if (when == 0 || ep_timer_arm(&tell->timer, when) != 0)
		ep_attach_event(&memif->st, tell->last);
	else
		tell->untold = 1;
}

void
ep_memif_tell_later(struct ep_timer *timer)
{
	struct ep_memif *memif =
	    (struct ep_memif *)(void *)((char *)timer -
					offsetof(struct ep_memif, tell.timer));
	unsigned others = memif->tell.untold - 1;
	char detail[128];

	(void)take_token(memif);
	memif->tell.untold = 0;
	if (others > 0)
		(void)snprintf(detail, sizeof(detail),
		    "%.80s (after %u more events)", memif->tell.last, others);
	else
		(void)snprintf(detail, sizeof(detail), "%s", memif->tell.last);
	ep_attach_event(&memif->st, detail);
}
