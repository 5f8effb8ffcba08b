/* SPDX-License-Identifier: BSD-2-Clause */
#include "qdisc/qdisc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define CONF_MAX      128
#define RING_SIZE_MIN 64u

extern const struct ep_qdisc_ops ep_qdisc_fifo, ep_qdisc_priq, ep_qdisc_codel,
    ep_qdisc_fq_codel, ep_qdisc_drr, ep_qdisc_htb;

/* Every discipline of this build. */
static const struct ep_qdisc_ops *const kinds[] = {
	&ep_qdisc_fifo,
	&ep_qdisc_priq,
	&ep_qdisc_drr,
	&ep_qdisc_htb,
	&ep_qdisc_codel,
	&ep_qdisc_fq_codel,
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static int
unknown(const char *name, struct epair_err *err)
{
	char known[128];
	size_t len = 0;

	for (size_t i = 0; i < KINDS; i++)
		len += (size_t)snprintf(
		    known + len, sizeof(known) - len, ", %s", kinds[i]->name);
	return ep_fail(err, -EINVAL,
	    "unknown discipline '%.32s'; known are none%s", name, known);
}

int
ep_qdisc_create(const char *text, struct ep_qdisc **qd, struct epair_err *err)
{
	const struct ep_qdisc_ops *ops = NULL;
	_Alignas(max_align_t) char conf[CONF_MAX] = { 0 };
	struct ep_spec *spec = malloc(sizeof(*spec));
	int error;

	if (spec == NULL)
		return ep_fail(err, -ENOMEM, "no memory for a discipline");
	error = ep_spec_parse(text, spec, err);
	for (size_t i = 0; error == 0 && i < KINDS; i++)
		if (strcmp(kinds[i]->name, spec->kind) == 0)
			ops = kinds[i];
	if (error == 0 && ops == NULL)
		error = unknown(spec->kind, err);
	if (error == 0 && ops != NULL) {
		EP_ASSERT(ops->conf_size <= sizeof(conf));
		memcpy(conf, ops->conf_default, ops->conf_size);
		error = ep_spec_fill(spec, ops->opts, conf, err);
	}
	if (error == 0 && ops != NULL)
		error = ops->create(conf, qd, err);
	free(spec); /* conf points into it */
	if (error == 0) {
		(*qd)->ops = ops;
		(*qd)->next_ns = 0;
		(*qd)->held = 0;
		(*qd)->lost = NULL;
		(*qd)->is_replaced = false;
		ep_mutex_init(&(*qd)->lock);
	}
	return error;
}

void
ep_qdisc_destroy(struct ep_qdisc *qd)
{
	EP_ASSERT(qd->held == 0 && qd->lost == NULL);
	ep_mutex_fini(&qd->lock);
	qd->ops->destroy(qd);
}

/*
 * Counting.
 */

static struct epair_qdisc_class *
class_of(struct ep_qdisc *qd, const struct epair_mbuf *m)
{
	return m->user[1] < qd->classes ? &qd->stats.of_class[m->user[1]]
					: NULL;
}

static void
count_in(struct ep_qdisc *qd, const struct epair_mbuf *m)
{
	struct epair_qdisc_class *class = class_of(qd, m);

	qd->stats.waiting++;
	qd->stats.waiting_bytes += m->pktlen;
	if (class == NULL)
		return;
	class->waiting++;
	class->waiting_bytes += m->pktlen;
}

static void
count_out(struct ep_qdisc *qd, const struct epair_mbuf *m)
{
	struct epair_qdisc_class *class = class_of(qd, m);

	qd->stats.waiting--;
	qd->stats.waiting_bytes -= m->pktlen;
	if (class == NULL)
		return;
	class->waiting--;
	class->waiting_bytes -= m->pktlen;
}

static void
count_lost(struct ep_qdisc *qd, const struct epair_mbuf *m)
{
	struct epair_qdisc_class *class = class_of(qd, m);

	qd->stats.dropped++;
	if (class != NULL)
		class->dropped++;
}

static void
count_sent(struct ep_qdisc *qd, const struct epair_mbuf *m, uint64_t now_ns)
{
	struct epair_qdisc_class *class = class_of(qd, m);

	qd->stats.sent++;
	qd->stats.sent_bytes += m->pktlen;
	qd->stats.delay_ns = now_ns > m->held_ns ? now_ns - m->held_ns : 0;
	if (qd->stats.delay_ns > qd->stats.delay_max_ns)
		qd->stats.delay_max_ns = qd->stats.delay_ns;
	if (class == NULL)
		return;
	class->sent++;
	class->sent_bytes += m->pktlen;
}

void
ep_qdisc_look(struct ep_qdisc *qd, struct epair_qdisc_stats *stats)
{
	*stats = qd->stats;
	stats->classes = qd->classes;
	if (qd->ops->look != NULL)
		qd->ops->look(qd, stats);
}

/*
 * Frames.
 */

unsigned
ep_qdisc_enqueue(struct ep_qdisc *qd, struct epair_mbuf **ms, unsigned n,
    uint64_t now_ns, struct epair_mbuf **victims, bool *refused)
{
	unsigned lost = 0;

	*refused = false;
	for (unsigned i = 0; i < n; i++) {
		struct epair_mbuf *m = ms[i], *victim;

		m->held_ns = now_ns;
		m->user[1] = 0;
		qd->held++;
		victim = qd->ops->enqueue(qd, m, now_ns);
		count_in(qd, m);
		*refused |= victim == m;
		if (victim == NULL)
			continue;
		qd->held--;
		count_out(qd, victim);
		count_lost(qd, victim);
		victims[lost++] = victim;
	}
	return lost;
}

unsigned
ep_qdisc_dequeue(
    struct ep_qdisc *qd, struct epair_mbuf **ms, unsigned n, uint64_t now_ns)
{
	unsigned got = 0;

	/* Asked when empty too: some have lists to put in order then. */
	while (got < n) {
		struct epair_mbuf *m = qd->ops->dequeue(qd, now_ns);

		if (m == NULL)
			break;
		qd->held--;
		count_out(qd, m);
		count_sent(qd, m, now_ns);
		ms[got++] = m;
	}
	return got;
}

void
ep_qdisc_give_up(struct ep_qdisc *qd, struct epair_mbuf *m)
{
	m->user[0] = (uintptr_t)qd->lost;
	qd->lost = m;
	qd->held--;
	count_out(qd, m);
	count_lost(qd, m);
}

unsigned
ep_qdisc_given_up(struct ep_qdisc *qd, struct epair_mbuf **ms, unsigned n)
{
	unsigned got = 0;

	for (; got < n && qd->lost != NULL; got++) {
		ms[got] = qd->lost;
		qd->lost = (struct epair_mbuf *)(uintptr_t)ms[got]->user[0];
	}
	return got;
}

void
ep_ring_fini(struct ep_ring *r)
{
	free(r->slots);
	*r = (struct ep_ring){ .slots = NULL };
}

static bool
grow(struct ep_ring *r)
{
	uint32_t size = r->size == 0 ? RING_SIZE_MIN : r->size * 2;
	struct epair_mbuf **slots = malloc(size * sizeof(struct epair_mbuf *));

	if (slots == NULL)
		return false;
	for (uint32_t i = 0; i < r->count; i++)
		slots[i] = r->slots[(r->first + i) & (r->size - 1)];
	free(r->slots);
	r->slots = slots;
	r->size = size;
	r->first = 0;
	return true;
}

bool
ep_ring_put(struct ep_ring *r, struct epair_mbuf *m)
{
	if (r->count == r->size && !grow(r))
		return false;
	r->slots[(r->first + r->count++) & (r->size - 1)] = m;
	return true;
}

struct epair_mbuf *
ep_ring_take(struct ep_ring *r)
{
	struct epair_mbuf *m;

	if (r->count == 0)
		return NULL;
	m = r->slots[r->first];
	r->first = (r->first + 1) & (r->size - 1);
	r->count--;
	return m;
}
