/* SPDX-License-Identifier: BSD-2-Clause */
#include "rfc8289.h"

#include <math.h>
#include <stddef.h>

void
rfc8289_enqueue(struct reference *r, const struct packet *p)
{
	r->q[r->tail++ % WAITING] = *p;
	r->bytes += p->size;
}

static uint64_t
control_law(uint64_t t, uint32_t count)
{
	return t + (uint64_t)((double)INTERVAL / sqrt(count));
}

static const struct packet *
dodequeue(struct reference *r, uint64_t now, int *ok_to_drop)
{
	const struct packet *p;

	*ok_to_drop = 0;
	if (r->head == r->tail) {
		r->first_above_time = 0;
		return NULL;
	}
	p = &r->q[r->head++ % WAITING];
	r->bytes -= p->size;
	if (now - p->tstamp < TARGET || r->bytes <= MAXPACKET)
		r->first_above_time = 0;
	else if (r->first_above_time == 0)
		r->first_above_time = now + INTERVAL;
	else if (now >= r->first_above_time)
		*ok_to_drop = 1;
	return p;
}

static void
drop(struct reference *r, const struct packet *p)
{
	r->dropped->numbers[r->dropped->count++ % WAITING] = p->number;
}

const struct packet *
rfc8289_dequeue(struct reference *r, uint64_t now)
{
	const struct packet *p;
	int ok;

	p = dodequeue(r, now, &ok);
	if (r->dropping) {
		if (!ok)
			r->dropping = 0;
		while (now >= r->drop_next && r->dropping) {
			drop(r, p);
			++r->count;
			p = dodequeue(r, now, &ok);
			if (!ok)
				r->dropping = 0;
			else
				r->drop_next = control_law(
				    r->drop_next, r->count);
		}
	} else if (ok) {
		uint32_t delta;

		drop(r, p);
		p = dodequeue(r, now, &ok);
		r->dropping = 1;
		delta = r->count - r->lastcount;
		r->count = 1;
		if (delta > 1 && now - r->drop_next < 16 * INTERVAL)
			r->count = delta;
		r->drop_next = control_law(now, r->count);
		r->lastcount = r->count;
	}
	return p;
}
