/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * qdisc/drr.c - a queue for each flow or class, served in turn by octets
 * (deficit round robin, after Shreedhar and Varghese).
 *
 * A queue with frames is in the list. The list's first sends while it has
 * credits; then it gets a quantum, times the weight of its class, and stands at
 * the end. Credits may be overdrawn by one frame, which the next turns pay for,
 * so that nobody has to look at a frame before it takes it. An empty queue
 * leaves when its turn comes and all is paid: one that left at once and came
 * again would owe nothing. When all together are at the limit, the longest
 * queue gives its first frames up.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/error.h"
#include "base/number.h"
#include "mbuf/line.h"
#include "qdisc/class.h"
#include "qdisc/flow.h"
#include "qdisc/qdisc.h"

#define FLOWS_MAX  65536u
#define WEIGHT_MAX 1000u
#define BATCH_MAX  64u /* given up at once: looking for the longest is dear */

struct drr_conf {
	uint32_t limit, flows, quantum;
	unsigned by, weight_count;
	const char *weights[EP_CLASSES];
};

struct queue {
	struct ep_line line;
	int64_t credits;
	uint32_t quantum;
	bool listed;
	TAILQ_ENTRY(queue) link;
};

TAILQ_HEAD(queue_list, queue);

struct drr {
	struct ep_qdisc qd;
	uint32_t limit, count;
	enum ep_class_by by;
	struct queue_list list;
	uint64_t flows_new;
	uint32_t queue_count;
	struct queue queues[];
};

static const struct drr_conf drr_default = {
	.limit = 1000,
	.flows = 1024,
	.quantum = 1514,
	.by = EP_BY_FLOW,
};

#define AT(field) offsetof(struct drr_conf, field)
static const struct ep_opt drr_opts[] = {
	{ .key = "limit",
	    .form = "N",
	    .type = EP_OPT_U32,
	    .offset = AT(limit),
	    .min = 1,
	    .max = 1048576 },
	{ .key = "by",
	    .form = "flow|pcp|dscp",
	    .type = EP_OPT_CHOICE,
	    .offset = AT(by),
	    .choices = ep_class_or_flow },
	{ .key = "flows",
	    .form = "N",
	    .type = EP_OPT_U32,
	    .offset = AT(flows),
	    .min = 1,
	    .max = FLOWS_MAX },
	{ .key = "quantum",
	    .form = "N",
	    .type = EP_OPT_U32,
	    .offset = AT(quantum),
	    .min = 64,
	    .max = 1048576 },
	{ .key = "weight",
	    .form = "CLASS:N",
	    .type = EP_OPT_TEXT,
	    .offset = AT(weights),
	    .many = EP_CLASSES,
	    .many_offset = AT(weight_count) },
	{ .key = NULL },
};

static int
read_weights(struct drr *d, const struct drr_conf *c, struct epair_err *err)
{
	if (d->by == EP_BY_FLOW && c->weight_count > 0)
		return ep_fail(
		    err, -EINVAL, "weight= needs classes: by=pcp or by=dscp");
	for (unsigned i = 0; i < c->weight_count; i++) {
		const char *rest = NULL;
		unsigned class = 0;
		uint64_t n = 0;
		int error = ep_class_parse(
		    "weight", c->weights[i], &class, &rest, err);

		if (error != 0)
			return error;
		if (!ep_number_digits(&rest, &n) || *rest != '\0' || n == 0 ||
		    n > WEIGHT_MAX)
			return ep_fail(err, -EINVAL,
			    "weight '%.32s': must be CLASS:N, N 1 to %u",
			    c->weights[i], WEIGHT_MAX);
		d->queues[class].quantum = c->quantum * (uint32_t)n;
	}
	return 0;
}

static int
drr_create(const void *conf, struct ep_qdisc **qd, struct epair_err *err)
{
	const struct drr_conf *c = conf;
	uint32_t count = c->by == EP_BY_FLOW ? c->flows : EP_CLASSES;
	struct drr *d = calloc(1, sizeof(*d) + count * sizeof(struct queue));
	int error;

	if (d == NULL)
		return ep_fail(err, -ENOMEM, "no memory for drr");
	d->limit = c->limit;
	d->by = (enum ep_class_by)c->by;
	d->queue_count = count;
	d->qd.classes = c->by == EP_BY_FLOW ? 0 : EP_CLASSES;
	TAILQ_INIT(&d->list);
	for (uint32_t i = 0; i < count; i++)
		d->queues[i].quantum = c->quantum;
	error = read_weights(d, c, err);
	if (error != 0)
		free(d);
	else
		*qd = &d->qd;
	return error;
}

static void
drr_destroy(struct ep_qdisc *qd)
{
	free(qd);
}

/* By octets; of frames without any, one that has frames at all. */
static void
make_room(struct drr *d)
{
	struct queue *longest = TAILQ_FIRST(&d->list), *q;
	uint32_t n;

	TAILQ_FOREACH(q, &d->list, link)
		if (q->line.bytes > longest->line.bytes ||
		    longest->line.count == 0)
			longest = q;
	n = (longest->line.count + 1) / 2;
	if (n > BATCH_MAX)
		n = BATCH_MAX;
	d->count -= n;
	for (; n > 0; n--)
		ep_qdisc_give_up(&d->qd, ep_line_take(&longest->line));
}

static struct epair_mbuf *
drr_enqueue(struct ep_qdisc *qd, struct epair_mbuf *m, uint64_t now_ns)
{
	struct drr *d = (struct drr *)qd;
	uint32_t place = d->by == EP_BY_FLOW ? ep_flow_hash(m) % d->queue_count
					     : ep_class_of(d->by, m);
	struct queue *q = &d->queues[place];

	(void)now_ns;
	m->user[1] = place;
	if (!q->listed) {
		q->listed = true;
		q->credits = q->quantum;
		TAILQ_INSERT_TAIL(&d->list, q, link);
	}
	d->flows_new += q->line.count == 0;
	ep_line_put(&q->line, m);
	if (++d->count > d->limit)
		make_room(d);
	return NULL;
}

/* Its turn is over: it comes again behind the others. */
static void
go_behind(struct drr *d, struct queue *q)
{
	q->credits += q->quantum;
	TAILQ_REMOVE(&d->list, q, link);
	TAILQ_INSERT_TAIL(&d->list, q, link);
}

/* It has had its turn and holds nothing, and owes nothing. */
static void
go_away(struct drr *d, struct queue *q)
{
	q->listed = false;
	TAILQ_REMOVE(&d->list, q, link);
}

static struct epair_mbuf *
drr_dequeue(struct ep_qdisc *qd, uint64_t now_ns)
{
	struct drr *d = (struct drr *)qd;
	struct queue *q;

	(void)now_ns;
	while ((q = TAILQ_FIRST(&d->list)) != NULL) {
		struct epair_mbuf *m;

		if (q->credits <= 0) {
			go_behind(d, q);
			continue;
		}
		m = ep_line_take(&q->line);
		if (m != NULL) {
			d->count--;
			q->credits -= m->pktlen;
			return m;
		}
		go_away(d, q);
	}
	return NULL;
}

static void
drr_look(struct ep_qdisc *qd, struct epair_qdisc_stats *stats)
{
	struct drr *d = (struct drr *)qd;
	const struct queue *q;

	stats->flows_new = d->flows_new;
	TAILQ_FOREACH(q, &d->list, link)
		stats->flows += q->line.count > 0;
}

extern const struct ep_qdisc_ops ep_qdisc_drr;
const struct ep_qdisc_ops ep_qdisc_drr = {
	.name = "drr",
	.opts = drr_opts,
	.conf_size = sizeof(struct drr_conf),
	.conf_default = &drr_default,
	.create = drr_create,
	.destroy = drr_destroy,
	.enqueue = drr_enqueue,
	.dequeue = drr_dequeue,
	.look = drr_look,
};
