/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/lwip/lwip.c - an lwIP stack inside the process.
 *
 *	the interface ── receive() ──► engine ── frame(), transmit() ──► out[]
 *	                                  ▲
 *	                timer ── fire() ──┘
 *
 * The engine (engine.h) is entered under `lock`, by receive on any worker, by
 * the timer, and by changes of the interface. What it wants to send waits in
 * out[] until then, and is transmitted as a burst with the lock still held: so
 * it stays in order. What it tells waits in told[] for a task, since an event
 * takes the configuration lock.
 *
 * Jobs (ping=, send=) begin when both ends are UP: until then the timer looks
 * every millisecond.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/attach.h"
#include "attach/lwip/copy.h"
#include "attach/lwip/engine.h"
#include "attach/tell.h"
#include "base/atomic.h"
#include "base/clock.h"
#include "base/container.h"
#include "base/hash.h"
#include "base/rng.h"
#include "mbuf/mbuf.h"

#define OUT_MAX  64u
#define TOLD_MAX 8u
#define POLL_NS  EP_NS_PER_MS

struct lwip_conf {
	struct ep_lwip_conf engine;
	const char *services;
};

struct lwip {
	struct ep_stack st;
	struct ep_lwip_copy copy; /* constant */
	struct ep_timer timer;
	struct ep_task tell_task;
	struct ep_tell tell; /* of worker 0 alone */
	bool stopping; /* atomic */

	struct ep_mutex lock; /* guards the engine, and all below */
	struct ep_rng rng EP_GUARDED;
	bool is_started EP_GUARDED; /* it is attached, and may transmit */
	bool has_begun EP_GUARDED; /* the jobs, or there are none */
	bool has_failed EP_GUARDED;
	uint64_t armed_ns EP_GUARDED; /* UINT64_MAX: not */
	struct epair_mbuf *out[OUT_MAX] EP_GUARDED;
	unsigned out_count EP_GUARDED; /* transmit() is yet to count the last */
	uint64_t sent EP_GUARDED;
	char told[TOLD_MAX][EP_LWIP_TELL_MAX] EP_GUARDED;
	unsigned told_count EP_GUARDED;
};

static const struct ep_stack_ops lwip_ops;

static struct lwip *
lwip_of(struct ep_stack *st)
{
	return (struct lwip *)(void *)st;
}

/* What the engine calls: with the lock held. */

static uint64_t
host_now(void *arg)
{
	const struct lwip *lw = arg;

	return ep_sched_mono(lw->st.ifp->ep->sched);
}

static uint64_t
host_random(void *arg) EP_NO_TSA
{
	struct lwip *lw = arg;

	return ep_rng_next(&lw->rng);
}

static void
flush(struct lwip *lw) EP_REQUIRES(lw->lock)
{
	unsigned n = lw->out_count;

	lw->out_count = 0;
	lw->sent += n;
	if (n > 0)
		(void)ep_pair_transmit(lw->st.ifp, lw->out, n);
}

static uint8_t *
host_frame(void *arg, uint32_t len) EP_NO_TSA
{
	struct lwip *lw = arg;
	struct epair_if *ifp = lw->st.ifp;
	struct epair_mbuf *m;

	if (!lw->is_started)
		return NULL;
	if (lw->out_count == OUT_MAX)
		flush(lw);
	if (ep_mbuf_alloc(ifp->ep->pool, &m, 1, len) != 1) {
		ep_drop_count(ifp, 1, EPAIR_DROP_TX_NO_MBUF);
		return NULL;
	}
	m->len = m->pktlen = len;
	lw->out[lw->out_count] = m;
	return m->data;
}

static void
host_transmit(void *arg) EP_NO_TSA
{
	struct lwip *lw = arg;

	lw->out_count++;
}

static bool
host_may_send(void *arg)
{
	const struct lwip *lw = arg;

	return ep_pair_may_send(lw->st.ifp);
}

static void
host_tell(void *arg, const char *sentence) EP_NO_TSA
{
	struct lwip *lw = arg;
	/* One too many takes the place of the last. */
	unsigned i = lw->told_count < TOLD_MAX ? lw->told_count++
					       : TOLD_MAX - 1;

	(void)snprintf(lw->told[i], EP_LWIP_TELL_MAX, "%s", sentence);
	(void)ep_task_schedule(&lw->tell_task);
}

static void
host_failed(void *arg, const char *what) EP_NO_TSA
{
	struct lwip *lw = arg;
	char why[128];

	lw->has_failed = true;
	(void)snprintf(why, sizeof(why), "lwIP failed: %s", what);
	ep_attach_lost(&lw->st, why);
}

static const struct ep_lwip_host host = {
	.now_ns = host_now,
	.random = host_random,
	.frame = host_frame,
	.transmit = host_transmit,
	.may_send = host_may_send,
	.tell = host_tell,
	.failed = host_failed,
};

/* Going into the engine. */

/* Behind every call: send what it sent, and have the timer fire in time. */
static void
after(struct lwip *lw, uint64_t next) EP_REQUIRES(lw->lock)
{
	uint64_t soon = host_now(lw) + POLL_NS;

	flush(lw);
	if (!lw->has_begun && next > soon)
		next = soon;
	if (next == lw->armed_ns || ep_load_relaxed(&lw->stopping))
		return;
	/* Without memory for it, the next frame or change arms it. */
	lw->armed_ns = next != UINT64_MAX && ep_timer_arm(&lw->timer, next) == 0
			   ? next
			   : UINT64_MAX;
}

static void
fire(struct ep_timer *timer)
{
	struct lwip *lw = EP_CONTAINER_OF(timer, struct lwip, timer);
	const struct epair_if *ifp = lw->st.ifp;

	ep_lock(&lw->lock);
	lw->armed_ns = UINT64_MAX;
	if (!lw->has_begun && ep_ifnet_is_up(ifp) &&
	    ep_ifnet_is_up(ifp->oifp)) {
		lw->has_begun = true;
		lw->copy.engine->begin();
	}
	after(lw, lw->copy.engine->run());
	ep_unlock(&lw->lock);
}

static void
tell(struct ep_task *task)
{
	struct lwip *lw = EP_CONTAINER_OF(task, struct lwip, tell_task);
	char told[TOLD_MAX][EP_LWIP_TELL_MAX];
	unsigned n;

	ep_lock(&lw->lock);
	n = lw->told_count;
	memcpy(told, lw->told, sizeof(told));
	lw->told_count = 0;
	ep_unlock(&lw->lock);
	for (unsigned i = 0; i < n; i++)
		ep_tell(&lw->tell, "%s", told[i]);
}

/* Life. */

static void
lwip_free(struct lwip *lw) EP_NO_TSA
{
	lw->copy.engine->stop();
	ep_lwip_copy_close(&lw->copy);
	ep_mutex_fini(&lw->lock);
	free(lw);
}

/* What the interface is now, and what it draws its random numbers from. */
static void
look(struct lwip *lw, struct ep_lwip_conf *conf) EP_NO_TSA
{
	struct epair_if *ifp = lw->st.ifp;

	ep_lock(&ifp->ep->lock);
	memcpy(conf->mac, ifp->mac, sizeof(conf->mac));
	ep_rng_init(&lw->rng, ep_hash_mix(ep_ifnet_seed(ifp), "lwip"));
	ep_unlock(&ifp->ep->lock);
	conf->mtu = ep_load_relaxed(&ifp->mtu);
}

static int services_of(const char *text, uint32_t *bits, struct epair_err *err);

static int
lwip_create(struct epair_if *ifp, const void *confp, struct ep_stack **st,
    struct epair_err *err) EP_NO_TSA
{
	struct ep_lwip_conf conf = ((const struct lwip_conf *)confp)->engine;
	struct lwip *lw = calloc(1, sizeof(*lw));
	int error;

	if (lw == NULL)
		return ep_fail(err, -ENOMEM, "no memory for an lwIP");
	error = ep_lwip_copy_open(&lw->copy, err);
	if (error != 0) {
		free(lw);
		return error;
	}
	lw->st.ops = &lwip_ops;
	lw->st.ifp = ifp;
	lw->armed_ns = UINT64_MAX;
	ep_mutex_init(&lw->lock);
	ep_timer_init(&lw->timer, ep_ifnet_worker(ifp, 0), fire);
	ep_task_init(&lw->tell_task, ep_ifnet_worker(ifp, 0), tell);
	ep_tell_init(&lw->tell, &lw->st, ep_ifnet_worker(ifp, 0));
	EP_ZERO(services_of(
	    ((const struct lwip_conf *)confp)->services, &conf.services, NULL));
	lw->has_begun = conf.ping.family == 0 && conf.send.family == 0;
	look(lw, &conf);
	if (!lw->copy.engine->start(&conf, &host, lw)) {
		lwip_free(lw);
		return ep_fail(err, -ENOMEM, "no memory for an lwIP");
	}
	*st = &lw->st;
	return 0;
}

static void
lwip_release(struct ep_stack *st)
{
	struct lwip *lw = lwip_of(st);

	ep_store_relaxed(&lw->stopping, true);
	(void)ep_timer_drain(&lw->timer);
	(void)ep_task_drain(&lw->tell_task);
	ep_tell_fini(&lw->tell);
	lwip_free(lw);
}

static void
lwip_changed(struct ep_stack *st, uint32_t what)
{
	struct lwip *lw = lwip_of(st);
	const struct ep_lwip_engine *engine = lw->copy.engine;
	struct epair_if *ifp = st->ifp;
	uint8_t mac[6];

	ep_lock(&ifp->ep->lock);
	memcpy(mac, ifp->mac, sizeof(mac));
	ep_unlock(&ifp->ep->lock);
	ep_lock(&lw->lock);
	if (lw->is_started) {
		if ((what & EPAIR_CHANGED_MAC) != 0)
			engine->set_mac(mac);
		if ((what & EPAIR_CHANGED_MTU) != 0)
			engine->set_mtu(ep_load_relaxed(&ifp->mtu));
		if ((what & EPAIR_CHANGED_FLAGS) != 0)
			engine->set_link(ep_ifnet_is_up(ifp));
		if ((what & EPAIR_CHANGED_WRITABLE) != 0)
			engine->writable();
		after(lw, engine->next());
	}
	ep_unlock(&lw->lock);
}

static void
lwip_start(struct ep_stack *st)
{
	struct lwip *lw = lwip_of(st);

	ep_lock(&lw->lock);
	lw->is_started = true;
	ep_unlock(&lw->lock);
	lwip_changed(
	    st, EPAIR_CHANGED_MAC | EPAIR_CHANGED_MTU | EPAIR_CHANGED_FLAGS);
}

/* Data. */

static void
lwip_receive(
    struct ep_stack *st, struct epair_mbuf **ms, unsigned n, unsigned queue)
{
	struct lwip *lw = lwip_of(st);
	const struct ep_lwip_engine *engine = lw->copy.engine;
	enum epair_drop reason;
	unsigned left = 0;

	(void)queue;
	ep_lock(&lw->lock);
	for (unsigned i = 0; i < n; i++) {
		uint8_t *octets = engine->room(ms[i]->pktlen);

		if (octets == NULL) {
			struct epair_mbuf *m = ms[i];

			ms[i] = ms[left];
			ms[left++] = m;
			continue;
		}
		(void)epair_mbuf_read(ms[i], 0, octets, ms[i]->pktlen);
		engine->input();
	}
	after(lw, engine->next());
	reason = lw->has_failed ? EPAIR_DROP_RX_STACK_ERROR
				: EPAIR_DROP_RX_STACK_FULL;
	ep_unlock(&lw->lock);
	(void)ep_drop(st->ifp, ms, left, reason, 0);
	ep_mbuf_free(ms + left, n - left);
}

static void
lwip_progress(struct ep_stack *st, struct epair_progress *progress)
{
	struct lwip *lw = lwip_of(st);
	struct ep_lwip_report report;

	ep_lock(&lw->lock);
	lw->copy.engine->report(&report);
	progress->done = report.jobs_left == 0 || lw->has_failed;
	progress->sent = lw->sent;
	progress->failed = (int)report.jobs_failed;
	progress->octets_sent = report.octets_sent;
	progress->octets_received = report.octets_received;
	ep_unlock(&lw->lock);
}

static const struct ep_stack_ops lwip_ops = {
	.kind = "lwip",
	.start = lwip_start,
	.receive = lwip_receive,
	.changed = lwip_changed,
	.release = lwip_release,
	.progress = lwip_progress,
};

/* Options. */

static int
services_of(const char *text, uint32_t *bits, struct epair_err *err)
{
	static const struct {
		const char *word;
		uint32_t bits;
	} words[] = {
		{ "echo", EP_LWIP_ECHO },
		{ "discard", EP_LWIP_DISCARD },
		{ "chargen", EP_LWIP_CHARGEN },
		{ "iperf", EP_LWIP_IPERF },
		{ "all", EP_LWIP_SERVICES },
		{ "none", 0 },
	};
	const unsigned count = sizeof(words) / sizeof(words[0]);

	*bits = 0;
	for (const char *at = text;; at++) {
		size_t len = strcspn(at, "+");
		unsigned i = 0;

		while (i < count && (strlen(words[i].word) != len ||
					memcmp(words[i].word, at, len) != 0))
			i++;
		if (i == count)
			return ep_fail(err, -EINVAL,
			    "services=%s: '%.*s' is none; allowed: echo, "
			    "discard, chargen and iperf, with + between; all; "
			    "none",
			    text, (int)len, at);
		*bits |= words[i].bits;
		at += len;
		if (*at == '\0')
			return 0;
	}
}

static int
check_addrs(struct ep_lwip_conf *conf, struct epair_err *err)
{
	unsigned addrs[2] = { 0 }, gws[2] = { 0 };

	for (unsigned i = 0; i < conf->addr_count; i++) {
		bool is4 = conf->addrs[i].family == AF_INET;

		addrs[is4]++;
		if (!is4 && conf->addrs[i].prefix != 64 &&
		    conf->addrs[i].prefix != 128)
			return ep_fail(err, -EINVAL,
			    "addr: an IPv6 address of lwIP's has the prefix 64 "
			    "or none");
	}
	if (addrs[true] > 1 || addrs[false] > 4)
		return ep_fail(err, -EINVAL,
		    "addr: lwIP has one IPv4 address, and up to 4 of IPv6");
	for (unsigned i = 0; i < conf->gw_count; i++)
		if (gws[conf->gws[i].family == AF_INET]++ > 0)
			return ep_fail(err, -EINVAL,
			    "gw: lwIP has one of IPv4 and one of IPv6");
	return 0;
}

static int
lwip_check(const void *confp, struct epair_err *err)
{
	const struct lwip_conf *conf = confp;
	struct ep_lwip_conf engine = conf->engine;
	uint32_t bits;
	int error = services_of(conf->services, &bits, err);

	return error != 0 ? error : check_addrs(&engine, err);
}

static const struct lwip_conf lwip_default = {
	.services = "all",
	.engine = {
	    .ping_count = 5,
	    .ping_interval_ns = EP_NS_PER_S,
	    .send_port = 7,
	    .send_octets = UINT64_C(1) << 20,
	},
};

#define AT(field)    offsetof(struct lwip_conf, field)
#define ENGINE(name) AT(engine.name)
static const struct ep_opt lwip_opts[] = {
	{ "addr", "CIDR", EP_OPT_CIDR, ENGINE(addrs), .many = EP_LWIP_ADDRS_MAX,
	    .many_offset = ENGINE(addr_count) },
	{ "gw", "ADDRESS", EP_OPT_ADDR, ENGINE(gws), .many = EP_LWIP_GWS_MAX,
	    .many_offset = ENGINE(gw_count) },
	{ "services", "all|none|echo+...", EP_OPT_TEXT, AT(services) },
	{ "ping", "ADDRESS", EP_OPT_ADDR, ENGINE(ping) },
	{ "count", "N", EP_OPT_U64, ENGINE(ping_count), .min = 1,
	    .max = UINT32_MAX },
	{ "interval", "TIME", EP_OPT_TIME, ENGINE(ping_interval_ns),
	    .min = EP_NS_PER_MS, .max = 3600 * EP_NS_PER_S },
	{ "send", "ADDRESS", EP_OPT_ADDR, ENGINE(send) },
	{ "port", "N", EP_OPT_U32, ENGINE(send_port), .min = 1, .max = 65535 },
	{ "bytes", "SIZE", EP_OPT_SIZE, ENGINE(send_octets), .min = 1,
	    .max = UINT64_C(1) << 50 },
	{ NULL },
};

static const char *const lwip_keys[] = { "addr=CIDR", "gw=ADDRESS",
	"services=all|none|echo+...", "ping=ADDRESS", "count=N",
	"interval=TIME", "send=ADDRESS", "port=N", "bytes=SIZE", NULL };

const struct ep_kind ep_kind_lwip = {
	.pub = {
		.name = "lwip",
		.sentence = "an lwIP stack in the process: TCP, UDP, ping, "
			    "services for tests",
		.keys = lwip_keys,
		.sim = 1,
	},
	.opts = lwip_opts,
	.conf_size = sizeof(struct lwip_conf),
	.conf_default = &lwip_default,
	.check = lwip_check,
	.create = lwip_create,
};
