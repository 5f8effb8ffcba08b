/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/tell.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/container.h"

#define TOKEN_NS   EP_NS_PER_S
#define TOKENS_MAX 16u

/* Take a token. Returns 0, or when there will be one. */
static uint64_t
take_token(struct ep_tell *tell)
{
	uint64_t now = ep_sched_mono(tell->st->ifp->ep->sched);
	uint64_t full = tell->full_ns > now ? tell->full_ns : now;

	if (full + TOKEN_NS > now + TOKENS_MAX * TOKEN_NS)
		return full + TOKEN_NS - TOKENS_MAX * TOKEN_NS;
	tell->full_ns = full + TOKEN_NS;
	return 0;
}

static void
tell_later(struct ep_timer *timer)
{
	struct ep_tell *tell = EP_CONTAINER_OF(timer, struct ep_tell, timer);
	unsigned others = tell->untold - 1;
	char detail[sizeof(tell->last)];

	(void)take_token(tell);
	tell->untold = 0;
	if (others > 0)
		(void)snprintf(detail, sizeof(detail),
		    "%.80s (after %u more events)", tell->last, others);
	else
		(void)snprintf(detail, sizeof(detail), "%s", tell->last);
	ep_stack_present(tell->st, tell->is_there);
	ep_attach_event(tell->st, detail);
}

void
ep_tell_init(
    struct ep_tell *tell, struct ep_stack *st, struct ep_worker *worker)
{
	*tell = (struct ep_tell){ .st = st, .is_there = !st->is_away };
	ep_timer_init(&tell->timer, worker, tell_later);
}

void
ep_tell_fini(struct ep_tell *tell)
{
	(void)ep_timer_drain(&tell->timer);
}

void
ep_tell_present(struct ep_tell *tell, bool is_there)
{
	tell->is_there = is_there;
	if (tell->untold == 0)
		ep_stack_present(tell->st, is_there);
}

void
ep_tell(struct ep_tell *tell, const char *fmt, ...)
{
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
	when = take_token(tell);
	if (when == 0 || ep_timer_arm(&tell->timer, when) != 0)
		ep_attach_event(tell->st, tell->last);
	else
		tell->untold = 1;
}
