/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/source/source.c - a test stack that generates frames; see
 * attach/source/frame.h for what they are.
 *
 * All is done by one task, on the worker of the interface's first bucket: one
 * burst a run, so that others get their turn. What makes it go on:
 *
 *	waits for	and is woken by
 *	start		source_start()
 *	UP		source_changed()
 *	the other end	the timer, every millisecond, before the first frame:
 *	to be UP	a cable is not torn at by a source that was early
 *	its rate	the timer
 *	room there	the timer, if it has no rate
 *	an mbuf		the timer
 *	its turn	itself
 *
 * Frames of a rate have their times: the k-th since `base_ns` is due at base_ns
 * + k / rate. What is late is made up for in bursts; when more than LAG_MAX_NS
 * late (stopped, not UP), it begins anew.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attach/attach.h"
#include "attach/source/frame.h"
#include "base/atomic.h"
#include "base/clock.h"
#include "base/container.h"
#include "mbuf/mbuf.h"

#define BURST_MAX  256u
#define RATE_MAX   UINT64_C(1000000000)
#define LAG_MAX_NS (100 * EP_NS_PER_MS)
#define FULL_NS    (50 * EP_NS_PER_US)
#define POLL_NS    EP_NS_PER_MS

struct source_conf {
	uint64_t rate; /* frames a second; 0: as fast as it goes */
	uint64_t size;
	uint64_t count; /* 0: for ever */
	uint32_t burst;
	uint32_t flows;
	uint8_t dst[6]; /* zero: the other end's */
};

struct source {
	struct ep_stack st;
	struct source_conf conf; /* constant */
	struct ep_task task;
	struct ep_timer timer;
	bool started; /* atomic */
	bool stopping; /* atomic */
	uint64_t sent; /* atomic: by the task only */
	bool is_stale; /* atomic: head is to be made, anew */
	/* The task's own. */
	struct ep_source_head head;
	uint32_t flow;
	bool has_base;
	uint64_t base_ns;
	uint64_t since_base; /* frames since base_ns; below rate */
};

static const struct ep_stack_ops source_ops;

static struct source *
source_of(struct ep_stack *st)
{
	return (struct source *)(void *)st;
}

static void source_run(struct ep_task *task);
static void source_fire(struct ep_timer *timer);

static int
source_create(struct epair_if *ifp, const void *confp, struct ep_stack **st,
    struct epair_err *err)
{
	const struct source_conf *conf = confp;
	uint32_t max = ep_load_relaxed(&ifp->mtu) + EP_ETHER_HDR_LEN +
		       EP_ETHER_VLAN_LEN;
	struct source *source;

	if (conf->size > max)
		return ep_fail(err, -EINVAL,
		    "size=%u: the interface's MTU lets frames be %u octets "
		    "long",
		    (unsigned)conf->size, max);
	source = calloc(1, sizeof(*source));
	if (source == NULL)
		return ep_fail(err, -ENOMEM, "no memory for a source");
	source->st.ops = &source_ops;
	source->st.ifp = ifp;
	source->st.accepts = EPAIR_CAP_CSUM | EPAIR_CAP_TSO | EPAIR_CAP_USO |
			     EPAIR_CAP_VLAN_HWTAGGING;
	source->conf = *conf;
	source->is_stale = true;
	ep_task_init(&source->task, ep_ifnet_worker(ifp, 0), source_run);
	ep_timer_init(&source->timer, ep_ifnet_worker(ifp, 0), source_fire);
	*st = &source->st;
	return 0;
}

static void
source_release(struct ep_stack *st)
{
	struct source *source = source_of(st);

	/*
	 * The task arms the timer and the timer schedules the task, neither
	 * once it sees this.
	 */
	ep_store_release(&source->stopping, true);
	(void)ep_timer_drain(&source->timer);
	(void)ep_task_drain(&source->task);
	(void)ep_timer_drain(&source->timer);
	free(source);
}

static void
source_start(struct ep_stack *st)
{
	/* acquired by source_run() */
	ep_store_release(&source_of(st)->started, true);
	(void)ep_task_schedule(&source_of(st)->task);
}

static void
source_changed(struct ep_stack *st, uint32_t what)
{
	if ((what & EPAIR_CHANGED_MAC) != 0)
		ep_store_relaxed(&source_of(st)->is_stale, true);
	(void)ep_task_schedule(&source_of(st)->task);
}

static void
source_receive(
    struct ep_stack *st, struct epair_mbuf **ms, unsigned n, unsigned queue)
{
	(void)st;
	(void)queue;
	ep_mbuf_free(ms, n);
}

static void
source_fire(struct ep_timer *timer)
{
	struct source *source = EP_CONTAINER_OF(timer, struct source, timer);

	/* acquires what source_release() released */
	if (!ep_load_acquire(&source->stopping))
		(void)ep_task_schedule(&source->task);
}

static bool
is_done(const struct source *source)
{
	return source->conf.count > 0 &&
	       ep_load_relaxed(&source->sent) == source->conf.count;
}

/* Both ends' addresses as they are now. */
static void
make_head(struct source *source)
{
	struct epair_if *ifp = source->st.ifp;
	static const uint8_t zero[6];
	uint8_t dst[6], src[6];

	/* Before looking: what changes from here on makes it stale again. */
	ep_store_relaxed(&source->is_stale, false);
	ep_lock(&ifp->ep->lock);
	memcpy(src, ifp->mac, sizeof(src));
	memcpy(dst, ifp->oifp->mac, sizeof(dst));
	ep_unlock(&ifp->ep->lock);
	if (memcmp(source->conf.dst, zero, sizeof(zero)) != 0)
		memcpy(dst, source->conf.dst, sizeof(dst));
	ep_source_head_init(
	    &source->head, (uint32_t)source->conf.size, dst, src);
}

static uint64_t
due_ns(const struct source *source)
{
	uint64_t rate = source->conf.rate;

	return source->base_ns +
	       (source->since_base * EP_NS_PER_S + rate - 1) / rate;
}

/*
 * How many frames are due, at most RATE_MAX / 5; 0 is none: due_ns() says when.
 */
static uint64_t
frames_due(struct source *source, uint64_t now)
{
	uint64_t rate = source->conf.rate, due;

	if (rate == 0)
		return UINT64_MAX;
	due = due_ns(source);
	if (!source->has_base || now > due + LAG_MAX_NS) {
		source->has_base = true;
		source->base_ns = now;
		source->since_base = 0;
		return 1;
	}
	if (now < due)
		return 0;
	/* now - base_ns is below 1.2 s and rate at most 10^9 */
	return (now - source->base_ns) * rate / EP_NS_PER_S -
	       source->since_base + 1;
}

/* Make and transmit n frames, or as many as there are mbufs for. */
static unsigned
send_burst(struct source *source, unsigned n)
{
	struct epair_if *ifp = source->st.ifp;
	struct epair_mbuf *ms[BURST_MAX];
	uint64_t number = ep_load_relaxed(&source->sent);
	uint64_t now = ep_sched_now(ifp->ep->sched);
	int got = ep_mbuf_alloc(ifp->ep->pool, ms, n, source->head.size);

	for (int i = 0; i < got; i++) {
		ep_source_frame(&source->head, ms[i]->data,
		    number + (unsigned)i, source->flow, now);
		ms[i]->len = ms[i]->pktlen = source->head.size;
		source->flow = (source->flow + 1) % source->conf.flows;
	}
	if (got <= 0)
		return 0;
	ep_store_relaxed(&source->sent, number + (unsigned)got);
	source->since_base += (unsigned)got;
	if (source->conf.rate > 0)
		while (source->since_base >= source->conf.rate) {
			source->since_base -= source->conf.rate;
			source->base_ns += EP_NS_PER_S;
		}
	(void)ep_pair_transmit(ifp, ms, (unsigned)got);
	return (unsigned)got;
}

/*
 * A burst, if each queue of the other end has room for it, or nothing. As fast
 * as it goes is not faster than it is taken; a burst is no more than a queue
 * may ever hold. Only what waits here is seen: a discipline or an impairment
 * may still drop.
 */
static unsigned
burst_with_room(const struct source *source)
{
	struct epair_if *oifp = source->st.ifp->oifp;
	unsigned burst = source->conf.burst;

	for (unsigned i = 0; i < oifp->nrxqs; i++) {
		struct ep_queue *q = &oifp->rxqs[i].q;
		uint32_t limit = ep_load_relaxed(&q->limit);

		if (burst > limit)
			burst = limit;
		if (ep_queue_count(q) + burst > limit)
			return 0;
	}
	return burst;
}

/* How many frames to send now: 0 is none, until *until. */
static unsigned
frames_now(struct source *source, uint64_t now, uint64_t *until)
{
	uint64_t sent = ep_load_relaxed(&source->sent), due;
	const struct source_conf *conf = &source->conf;
	unsigned n = conf->burst;

	*until = now + POLL_NS;
	if (sent == 0 && !ep_ifnet_is_up(source->st.ifp->oifp))
		return 0;
	if (conf->rate == 0) {
		n = burst_with_room(source);
		if (n == 0) {
			*until = now + FULL_NS;
			return 0;
		}
	}
	if (!ep_pair_may_send(source->st.ifp))
		return 0; /* source_changed() schedules, or the timer */
	due = frames_due(source, now);
	if (due == 0)
		*until = due_ns(source);
	if (n > due)
		n = (unsigned)due;
	if (conf->count > 0 && n > conf->count - sent)
		n = (unsigned)(conf->count - sent);
	return n;
}

/* Send what is due. Returns when to be called again; 0 is in its turn. */
static uint64_t
work(struct source *source)
{
	uint64_t now = ep_sched_mono(source->st.ifp->ep->sched), until;
	unsigned n = frames_now(source, now, &until);

	if (n == 0)
		return until;
	if (ep_load_relaxed(&source->is_stale))
		make_head(source);
	if (send_burst(source, n) == 0)
		return now + POLL_NS;
	if (source->conf.rate == 0 || due_ns(source) <= now)
		return 0;
	return due_ns(source);
}

static void
source_run(struct ep_task *task)
{
	struct source *source = EP_CONTAINER_OF(task, struct source, task);
	uint64_t until;

	/* acquires what source_start() and source_release() released */
	if (!ep_load_acquire(&source->started) ||
	    ep_load_acquire(&source->stopping) || is_done(source) ||
	    !ep_ifnet_is_up(source->st.ifp))
		return;
	until = work(source);
	if (until == 0 || ep_timer_arm(&source->timer, until) != 0)
		(void)ep_task_schedule(task);
}

static void
source_progress(struct ep_stack *st, struct epair_progress *progress)
{
	progress->sent = ep_load_relaxed(&source_of(st)->sent);
	progress->done = is_done(source_of(st));
}

static const struct ep_stack_ops source_ops = {
	.kind = "source",
	.start = source_start,
	.receive = source_receive,
	.changed = source_changed,
	.release = source_release,
	.progress = source_progress,
};

static const struct source_conf source_default = {
	.size = 60,
	.burst = 32,
	.flows = 1,
};

#define AT(field) offsetof(struct source_conf, field)
static const struct ep_opt source_opts[] = {
	{ "rate", "N", EP_OPT_RATE, AT(rate), .max = RATE_MAX },
	{ "size", "N", EP_OPT_SIZE, AT(size), .min = EP_SOURCE_SIZE_MIN,
	    .max = EP_SOURCE_SIZE_MAX },
	{ "count", "N", EP_OPT_RATE, AT(count) },
	{ "burst", "N", EP_OPT_U32, AT(burst), .min = 1, .max = BURST_MAX },
	{ "flows", "N", EP_OPT_U32, AT(flows), .min = 1,
	    .max = EP_SOURCE_FLOWS_MAX },
	{ "dst", "MAC", EP_OPT_MAC, AT(dst) },
	{ NULL },
};

static const char *const source_keys[] = { "rate=N", "size=N", "count=N",
	"burst=N", "flows=N", "dst=MAC", NULL };

const struct ep_kind ep_kind_source = {
	.pub = {
		.name = "source",
		.sentence = "sends count= UDP frames of size= octets, rate= a "
			    "second",
		.keys = source_keys,
		.sim = 1,
	},
	.opts = source_opts,
	.conf_size = sizeof(struct source_conf),
	.conf_default = &source_default,
	.create = source_create,
};
