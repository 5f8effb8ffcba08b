/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/tell.h - an attachment's events, at a bounded rate.
 *
 * A peer that connects and hangs up ten thousand times a second must not be
 * able to fill everybody's event queues: a bucket of tokens, and what finds it
 * empty is told when there is one again, the last for all. So that what was
 * told last is always how things are.
 *
 * The same goes for whether somebody is there (net/stack.h), which may move the
 * other end's link: it comes with the event that says so.
 *
 * On one worker, with no lock.
 */
#ifndef EP_ATTACH_TELL_H
#define EP_ATTACH_TELL_H

#include "attach/attach.h"

struct ep_tell {
	struct ep_stack *st; /* constant */
	struct ep_timer timer; /* armed while something is untold */
	uint64_t full_ns; /* when all tokens are there again */
	unsigned untold; /* events that wait, told as one */
	bool is_there; /* as to be told with them */
	char last[128];
};

void ep_tell_init(
    struct ep_tell *tell, struct ep_stack *st, struct ep_worker *worker);

/* Nothing is told any more. */
void ep_tell_fini(struct ep_tell *tell);

/*
 * An ATTACHMENT event with this detail, now or later. What of it is a
 * stranger's may be any octets: those that are no text become '?'.
 */
void ep_tell(struct ep_tell *tell, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Somebody is behind the attachment, or nobody. Called before the ep_tell()
 * that says so in words, if one does.
 */
void ep_tell_present(struct ep_tell *tell, bool is_there);

#endif /* EP_ATTACH_TELL_H */
