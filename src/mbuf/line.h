/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mbuf/line.h - frames in line, first in, first out, linked through the frames:
 * putting never fails. user[0] is the line's while a frame is in it.
 *
 *	L1  count and bytes are those of the frames inside
 */
#ifndef EP_MBUF_LINE_H
#define EP_MBUF_LINE_H

#include <stddef.h>

#include "mbuf/mbuf.h"

struct ep_line {
	struct epair_mbuf *first, *last;
	uint32_t count;
	uint64_t bytes;
};

static inline void
ep_line_put(struct ep_line *line, struct epair_mbuf *m)
{
	m->user[0] = 0;
	if (line->last != NULL)
		line->last->user[0] = (uintptr_t)m;
	else
		line->first = m;
	line->last = m;
	line->count++;
	line->bytes += m->pktlen;
}

/* The first, or NULL. */
static inline struct epair_mbuf *
ep_line_take(struct ep_line *line)
{
	struct epair_mbuf *m = line->first;

	if (m == NULL)
		return NULL;
	line->first = (struct epair_mbuf *)(uintptr_t)m->user[0];
	if (line->first == NULL)
		line->last = NULL;
	line->count--;
	line->bytes -= m->pktlen;
	return m;
}

#endif /* EP_MBUF_LINE_H */
