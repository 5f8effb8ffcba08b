/* SPDX-License-Identifier: BSD-2-Clause */
#include "qdisc/codel_law.h"

#include "mbuf/ecn.h"

/* The whole part of the square root, bit by bit. */
static uint64_t
root(uint64_t x)
{
	uint64_t r = 0, bit = UINT64_C(1) << 62;

	while (bit > x)
		bit >>= 2;
	for (; bit != 0; bit >>= 2) {
		if (x >= r + bit) {
			x -= r + bit;
			r = (r >> 1) + bit;
		} else {
			r >>= 1;
		}
	}
	return r;
}

/* RFC 8289, 5.3: t + interval / sqrt(count). */
static uint64_t
control_law(const struct ep_codel_conf *conf, uint64_t t, uint32_t count)
{
	return t + root(conf->interval_ns * conf->interval_ns / count);
}

/*
 * RFC 8289, 5.4: take the next frame, and tell whether the queue has been too
 * slow for long enough that it may be dropped.
 */
static struct epair_mbuf *
look(struct ep_codel *c, const struct ep_codel_conf *conf,
    const struct ep_codel_queue *q, uint64_t now_ns, bool *may_drop)
{
	struct epair_mbuf *m = q->take(q->arg);
	uint64_t waited;

	*may_drop = false;
	if (m == NULL) {
		c->first_above_ns = 0;
		return NULL;
	}
	waited = now_ns > m->held_ns ? now_ns - m->held_ns : 0;
	if (waited < conf->target_ns || q->bytes(q->arg) <= conf->mtu)
		c->first_above_ns = 0;
	else if (c->first_above_ns == 0)
		c->first_above_ns = now_ns + conf->interval_ns;
	else
		*may_drop = now_ns >= c->first_above_ns;
	return m;
}

static bool
mark(const struct ep_codel_conf *conf, const struct ep_codel_queue *q,
    struct epair_mbuf *m)
{
	if (!conf->ecn || !ep_ecn_mark(m))
		return false;
	ep_qdisc_marked(q->qd);
	return true;
}

/* One must go. Returns the one that goes on in its place, or that was marked. */
static struct epair_mbuf *
punish(struct ep_codel *c, const struct ep_codel_conf *conf,
    const struct ep_codel_queue *q, struct epair_mbuf *m, uint64_t now_ns,
    bool *may_drop)
{
	if (mark(conf, q, m)) {
		*may_drop = false;
		return m;
	}
	ep_qdisc_give_up(q->qd, m);
	return look(c, conf, q, now_ns, may_drop);
}

/* In the dropping state: as many as are due. */
static struct epair_mbuf *
go_on_dropping(struct ep_codel *c, const struct ep_codel_conf *conf,
    const struct ep_codel_queue *q, struct epair_mbuf *m, uint64_t now_ns,
    bool may_drop)
{
	if (!may_drop)
		c->dropping = false;
	while (c->dropping && now_ns >= c->drop_next_ns) {
		bool marked = mark(conf, q, m);

		c->count += c->count < UINT32_MAX;
		if (!marked) {
			ep_qdisc_give_up(q->qd, m);
			m = look(c, conf, q, now_ns, &may_drop);
			if (!may_drop) {
				c->dropping = false;
				break;
			}
		}
		c->drop_next_ns = control_law(conf, c->drop_next_ns, c->count);
		if (marked)
			break;
	}
	return m;
}

static struct epair_mbuf *
begin_dropping(struct ep_codel *c, const struct ep_codel_conf *conf,
    const struct ep_codel_queue *q, struct epair_mbuf *m, uint64_t now_ns)
{
	uint32_t delta = c->count - c->last_count;
	bool may_drop;

	m = punish(c, conf, q, m, now_ns, &may_drop);
	c->dropping = true;
	/* Begin where it ended, if that was not long ago. */
	c->count = 1;
	if (delta > 1 && now_ns - c->drop_next_ns < 16 * conf->interval_ns)
		c->count = delta;
	c->drop_next_ns = control_law(conf, now_ns, c->count);
	c->last_count = c->count;
	return m;
}

struct epair_mbuf *
ep_codel_dequeue(struct ep_codel *c, const struct ep_codel_conf *conf,
    const struct ep_codel_queue *q, uint64_t now_ns)
{
	struct epair_mbuf *m;
	bool may_drop;

	if (now_ns == UINT64_MAX)
		return q->take(q->arg);
	m = look(c, conf, q, now_ns, &may_drop);
	if (c->dropping)
		return go_on_dropping(c, conf, q, m, now_ns, may_drop);
	if (may_drop)
		return begin_dropping(c, conf, q, m, now_ns);
	return m;
}
