/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * qdisc/fq_codel.c - a queue for each flow, each kept short by CoDel, served
 * in turn by octets, those that have just begun first (RFC 8290).
 *
 * A queue is in no list, in the list of new ones or in that of old ones. The
 * list's first may send while it has credits; then it gets a quantum and stands
 * behind the old ones. An empty one leaves, but a new one by way of the old, or
 * a flow of single frames would always be new.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/error.h"
#include "mbuf/line.h"
#include "qdisc/codel_law.h"
#include "qdisc/flow.h"

#define FLOWS_MAX 65536u
#define BATCH_MAX 64u /* RFC 8290, 4.1: of the fattest queue, at once */

struct fq_conf {
	struct ep_codel_conf law;
	uint32_t limit, flows, quantum;
};

struct flow {
	struct ep_line line;
	struct ep_codel state;
	int64_t credits;
	bool listed;
	TAILQ_ENTRY(flow) link;
};

TAILQ_HEAD(flow_list, flow);

struct fq {
	struct ep_qdisc qd;
	struct fq_conf conf;
	uint32_t count;
	uint64_t flows_new;
	struct flow_list fresh, old;
	struct flow flows[];
};

static const struct fq_conf fq_default = {
	.law = { .target_ns = 5 * EP_NS_PER_MS,
	    .interval_ns = 100 * EP_NS_PER_MS,
	    .mtu = 1514,
	    .ecn = true },
	.limit = 10240,
	.flows = 1024,
	.quantum = 1514,
};

static const struct ep_opt fq_opts[] = {
	{ .key = "limit",
	    .form = "N",
	    .type = EP_OPT_U32,
	    .offset = offsetof(struct fq_conf, limit),
	    .min = 1,
	    .max = 1048576 },
	{ .key = "flows",
	    .form = "N",
	    .type = EP_OPT_U32,
	    .offset = offsetof(struct fq_conf, flows),
	    .min = 1,
	    .max = FLOWS_MAX },
	{ .key = "quantum",
	    .form = "N",
	    .type = EP_OPT_U32,
	    .offset = offsetof(struct fq_conf, quantum),
	    .min = 64,
	    .max = 1048576 },
	{ .key = "target",
	    .form = "TIME",
	    .type = EP_OPT_TIME,
	    .offset = offsetof(struct fq_conf, law.target_ns),
	    .min = 1,
	    .max = EP_CODEL_INTERVAL_MAX },
	{ .key = "interval",
	    .form = "TIME",
	    .type = EP_OPT_TIME,
	    .offset = offsetof(struct fq_conf, law.interval_ns),
	    .min = 1,
	    .max = EP_CODEL_INTERVAL_MAX },
	{ .key = "mtu",
	    .form = "N",
	    .type = EP_OPT_U32,
	    .offset = offsetof(struct fq_conf, law.mtu),
	    .max = 65535 },
	{ .key = "ecn",
	    .form = "on|off",
	    .type = EP_OPT_BOOL,
	    .offset = offsetof(struct fq_conf, law.ecn) },
	{ .key = NULL },
};

static int
fq_create(const void *conf, struct ep_qdisc **qd, struct epair_err *err)
{
	const struct fq_conf *c = conf;
	struct fq *f = calloc(1, sizeof(*f) + c->flows * sizeof(struct flow));

	if (f == NULL)
		return ep_fail(err, -ENOMEM, "no memory for fq-codel");
	f->conf = *c;
	TAILQ_INIT(&f->fresh);
	TAILQ_INIT(&f->old);
	*qd = &f->qd;
	return 0;
}

static void
fq_destroy(struct ep_qdisc *qd)
{
	free(qd);
}

/* By octets; of frames without any, one that has frames at all. */
static struct flow *
fatter(const struct flow_list *list, struct flow *fat)
{
	struct flow *flow;

	TAILQ_FOREACH(flow, list, link)
		if (flow->line.bytes > fat->line.bytes || fat->line.count == 0)
			fat = flow;
	return fat;
}

/* Half of the fattest queue goes, from its head, and no more than a batch. */
static void
make_room(struct fq *f)
{
	struct flow *fat = fatter(&f->old, fatter(&f->fresh, &f->flows[0]));
	uint32_t n = (fat->line.count + 1) / 2;

	if (n > BATCH_MAX)
		n = BATCH_MAX;
	f->count -= n;
	for (; n > 0; n--)
		ep_qdisc_give_up(&f->qd, ep_line_take(&fat->line));
}

static struct epair_mbuf *
fq_enqueue(struct ep_qdisc *qd, struct epair_mbuf *m, uint64_t now_ns)
{
	struct fq *f = (struct fq *)qd;
	struct flow *flow = &f->flows[ep_flow_hash(m) % f->conf.flows];

	(void)now_ns;
	ep_line_put(&flow->line, m);
	if (!flow->listed) {
		flow->listed = true;
		flow->credits = f->conf.quantum;
		TAILQ_INSERT_TAIL(&f->fresh, flow, link);
		f->flows_new++;
	}
	if (++f->count > f->conf.limit)
		make_room(f);
	return NULL;
}

struct turn {
	struct fq *f;
	struct flow *flow;
};

static struct epair_mbuf *
take(void *arg)
{
	struct turn *turn = arg;
	struct epair_mbuf *m = ep_line_take(&turn->flow->line);

	turn->f->count -= m != NULL;
	return m;
}

static uint64_t
bytes(void *arg)
{
	return ((struct turn *)arg)->flow->line.bytes;
}

/* Its turn is over: from its list to the end of the old ones. */
static void
stand_behind(struct fq *f, struct flow_list *from, struct flow *flow)
{
	TAILQ_REMOVE(from, flow, link);
	TAILQ_INSERT_TAIL(&f->old, flow, link);
}

static struct epair_mbuf *
fq_dequeue(struct ep_qdisc *qd, uint64_t now_ns)
{
	struct fq *f = (struct fq *)qd;

	for (;;) {
		struct flow_list *list = TAILQ_EMPTY(&f->fresh) ? &f->old
								: &f->fresh;
		struct flow *flow = TAILQ_FIRST(list);
		struct turn turn = { f, flow };
		const struct ep_codel_queue q = { take, bytes, &turn, qd };
		struct epair_mbuf *m;

		if (flow == NULL)
			return NULL;
		if (flow->credits <= 0) {
			flow->credits += f->conf.quantum;
			stand_behind(f, list, flow);
			continue;
		}
		m = ep_codel_dequeue(&flow->state, &f->conf.law, &q, now_ns);
		if (m != NULL) {
			flow->credits -= m->pktlen;
			return m;
		}
		if (list == &f->fresh) {
			stand_behind(f, list, flow);
		} else {
			TAILQ_REMOVE(list, flow, link);
			flow->listed = false;
		}
	}
}

static void
look_at(const struct flow_list *list, struct epair_qdisc_stats *stats)
{
	const struct flow *flow;

	TAILQ_FOREACH(flow, list, link) {
		stats->flows += flow->line.count > 0;
		stats->dropping += flow->state.dropping;
	}
}

static void
fq_look(struct ep_qdisc *qd, struct epair_qdisc_stats *stats)
{
	const struct fq *f = (const struct fq *)qd;

	stats->flows_new = f->flows_new;
	look_at(&f->fresh, stats);
	look_at(&f->old, stats);
}

extern const struct ep_qdisc_ops ep_qdisc_fq_codel;
const struct ep_qdisc_ops ep_qdisc_fq_codel = {
	.name = "fq-codel",
	.opts = fq_opts,
	.conf_size = sizeof(struct fq_conf),
	.conf_default = &fq_default,
	.create = fq_create,
	.destroy = fq_destroy,
	.enqueue = fq_enqueue,
	.dequeue = fq_dequeue,
	.look = fq_look,
};
