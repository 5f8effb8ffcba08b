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

#include "attach/qemu/qemu.h"
#include "base/clock.h"

#define TOKEN_NS   EP_NS_PER_S
#define TOKENS_MAX 16u

static uint64_t
now_ns(const struct ep_qemu *q)
{
	return ep_sched_mono(q->st.ifp->ep->sched);
}

/* Take a token. Returns 0, or when there will be one. */
static uint64_t
take_token(struct ep_qemu *q)
{
	uint64_t now = now_ns(q);
	uint64_t full = q->tell.full_ns > now ? q->tell.full_ns : now;

	if (full + TOKEN_NS > now + TOKENS_MAX * TOKEN_NS)
		return full + TOKEN_NS - TOKENS_MAX * TOKEN_NS;
	q->tell.full_ns = full + TOKEN_NS;
	return 0;
}

void
ep_qemu_tell(struct ep_qemu *q, const char *fmt, ...)
{
	struct ep_qemu_tell *tell = &q->tell;
	uint64_t when;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(tell->last, sizeof(tell->last), fmt, ap);
	va_end(ap);
	/* Some of it may be a stranger's, and ends up on a terminal. */
	for (char *c = tell->last; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == '\177')
			*c = '?';
	if (tell->untold > 0) {
		tell->untold++;
		return;
	}
	when = take_token(q);
	if (when == 0 || ep_timer_arm(&tell->timer, when) != 0)
		ep_attach_event(&q->st, tell->last);
	else
		tell->untold = 1;
}

void
ep_qemu_tell_later(struct ep_timer *timer)
{
	struct ep_qemu *q =
	    (struct ep_qemu *)(void *)((char *)timer -
				       offsetof(struct ep_qemu, tell.timer));
	unsigned others = q->tell.untold - 1;
	char detail[128];

	(void)take_token(q);
	q->tell.untold = 0;
	if (others > 0)
		(void)snprintf(detail, sizeof(detail),
		    "%.80s (after %u more events)", q->tell.last, others);
	else
		(void)snprintf(detail, sizeof(detail), "%s", q->tell.last);
	ep_attach_event(&q->st, detail);
}
