/* SPDX-License-Identifier: BSD-2-Clause */
#include "hammer.h"

#include "base/atomic.h"

const char *const hammer_vnets[HAMMER_VNETS] = { "vnet0", "red", "blue",
	"sunk" };

#define PICK(h, list) (list)[hammer_below(h, sizeof(list) / sizeof((list)[0]))]

/* A thing to do to one end of a pair; the record is held meanwhile. */
typedef int act_on_end(struct hammer *h, struct record_end *end);

static int
up(struct hammer *h, struct record_end *end)
{
	(void)h;
	for (int i = 0; i < 2; i++)
		(void)epair_if_up(end->rec->ends[i].ifp);
	return 0;
}

static int
down(struct hammer *h, struct record_end *end)
{
	(void)h;
	return epair_if_down(end->ifp);
}

static int
destroy(struct hammer *h, struct record_end *end)
{
	(void)h;
	return epair_if_destroy(end->ifp, NULL);
}

static int
move(struct hammer *h, struct record_end *end)
{
	unsigned vnet = hammer_below(h, HAMMER_VNETS);

	if (vnet == HAMMER_VNETS - 1)
		ep_store_relaxed(&end->is_mixed, true);
	return epair_if_move(end->ifp, hammer_vnets[vnet], NULL);
}

static void
changed(void *arg, struct epair_if *ifp, uint32_t what)
{
	struct record_end *end = arg;
	struct epair_if_info info = { .size = sizeof(info) };

	CHECK(ifp == end->ifp && what != 0);
	(void)epair_if_get_info(ifp, &info);
	if (hammer_below(end->rec->h, 100) == 0)
		hammer_act(end->rec->h);
}

static void
detached(void *arg, struct epair_if *ifp)
{
	struct record_end *end = arg;

	CHECK(ifp == end->ifp);
	if (hammer_below(end->rec->h, 20) == 0)
		hammer_act(end->rec->h);
	hammer_put(end->rec);
}

static int
attach_calls(struct hammer *h, struct record_end *end)
{
	const struct epair_stack stack = {
		.size = sizeof(stack),
		.receive = hammer_receive,
		.changed = hammer_below(h, 2) == 0 ? changed : NULL,
		.detached = detached,
		.accepts = hammer_below(h, 2) == 0 ? EPAIR_CAP_CSUM : 0,
	};
	int error;

	hammer_ref(end->rec);
	error = epair_attach_stack(end->ifp, &stack, end, NULL);
	if (error != 0)
		hammer_put(end->rec);
	return error;
}

static int
attach_pull(struct hammer *h, struct record_end *end)
{
	ep_store_relaxed(&end->is_mixed, true);
	return epair_attach_pull(end->ifp, 1 + hammer_below(h, 100), NULL);
}

static int
attach_kind(struct hammer *h, struct record_end *end)
{
	static const char *const kinds[] = { "echo", "sink",
		"source:rate=20000", "source:count=500", "source:burst=8" };

	ep_store_relaxed(&end->is_mixed, true);
	ep_store_relaxed(&end->generates, true);
	return epair_attach(end->ifp, PICK(h, kinds), NULL);
}

static int
detach(struct hammer *h, struct record_end *end)
{
	(void)h;
	return epair_detach(end->ifp, NULL);
}

static int
pull(struct hammer *h, struct record_end *end)
{
	struct epair_mbuf *ms[32];
	int n = epair_if_recv(end->ifp, ms, 32);

	(void)h;
	if (n > 0)
		epair_mbuf_free(ms, (unsigned)n);
	(void)epair_if_recv_fd(end->ifp);
	return n;
}

static int
set_qdisc(struct hammer *h, struct record_end *end)
{
	static const char *const qdiscs[] = { "none", "fifo:limit=50", "priq",
		"codel", "fq-codel" };

	return epair_if_set_qdisc(end->ifp, PICK(h, qdiscs), NULL);
}

static int
set_link(struct hammer *h, struct record_end *end)
{
	static const char *const links[] = { "none", "delay 1ms",
		"loss 10% duplicate 10%", "rate 50mbit", "delay 1ms 1ms",
		"reorder 5% delay 200us", "cut on", "rate 10mbit limit 20",
		"none" };

	ep_store_relaxed(&end->is_linked, true);
	return epair_if_set_link(end->ifp, PICK(h, links), NULL);
}

static int
set_some(struct hammer *h, struct record_end *end)
{
	static const char *const words[][2] = { { "mtu", "1500" },
		{ "mtu", "100" }, { "mtu", "9000" }, { "monitor", "on" },
		{ "monitor", "off" }, { "promisc", "on" }, { "txcsum", "off" },
		{ "txcsum", "on" }, { "carrier", "follow" },
		{ "vlanhwtag", "on" }, { "queue-limit", "1" },
		{ "queue-limit", "70" }, { "queue-limit", "4096" },
		{ "fib", "3" }, { "descr", "hammered" }, { "name", "dev7" },
		{ "name", "anvil" }, { "ether", "02:00:00:00:00:07" } };
	const char *const *word =
	    words[hammer_below(h, sizeof(words) / sizeof(words[0]))];

	return epair_if_set(end->ifp, word[0], word[1], NULL);
}

static int
multi(struct hammer *h, struct record_end *end)
{
	const uint8_t mac[6] = { 1, 0, 0x5e, 0, 0,
		(uint8_t)hammer_below(h, 4) };

	return hammer_below(h, 2) == 0 ? epair_if_multi_add(end->ifp, mac)
				       : epair_if_multi_del(end->ifp, mac);
}

static int
look(struct hammer *h, struct record_end *end)
{
	struct epair_if_info info = { .size = sizeof(info) };
	struct epair_progress progress = { .size = sizeof(progress) };
	char names[16][EPAIR_NAME_MAX];
	struct epair_if *ifp;

	(void)life_stats(end->ifp);
	(void)life_usage(h->life.ep);
	(void)epair_attach_progress(end->ifp, &progress);
	(void)epair_vnet_list(h->life.ep, names, 16);
	(void)epair_if_list(h->life.ep, "red", names, 16);
	if (epair_if_get(h->life.ep, NULL, "anvil", &ifp, NULL) == 0)
		epair_if_put(ifp);
	if (epair_if_get_index(h->life.ep, 1, &ifp) == 0)
		epair_if_put(ifp);
	return epair_if_get_info(end->ifp, &info);
}

static void
read_capture(struct epair_capture *cap)
{
	struct epair_record rec;

	for (unsigned i = 0; i < 100; i++)
		if (epair_capture_next(cap, &rec) == 0)
			break;
}

/* Whoever takes a reader out of its place has it for himself. */
static int
capture(struct hammer *h, struct record_end *end)
{
	const struct epair_capture_opts opts = {
		.size = sizeof(opts),
		.flags = hammer_below(h, 2) ? EPAIR_CAPTURE_BOTH : 0,
		.buffer = 65536,
	};
	unsigned at = hammer_below(h, HAMMER_CAPTURES);
	struct epair_capture *cap = NULL, *old;

	(void)epair_capture_open(end->ifp, &opts, &cap, NULL);
	CHECK(pthread_mutex_lock(&h->lock) == 0);
	old = h->captures[at];
	h->captures[at] = cap;
	CHECK(pthread_mutex_unlock(&h->lock) == 0);
	if (old != NULL)
		read_capture(old);
	epair_capture_close(old);
	return 0;
}

static void
on_event(void *arg, const struct epair_event *ev)
{
	CHECK(epair_event_word(ev->type) != NULL);
	if (hammer_below(arg, 300) == 0)
		hammer_act(arg);
}

static int
subscribe(struct hammer *h, struct record_end *end)
{
	unsigned at = hammer_below(h, HAMMER_SUBS);
	struct epair_sub *sub = NULL, *old;
	struct epair_event ev;

	(void)end;
	if (epair_subscribe(h->life.ep, 16, &sub, NULL) == 0 &&
	    hammer_below(h, 2) == 0)
		epair_event_callback(sub, on_event, h);
	CHECK(pthread_mutex_lock(&h->lock) == 0);
	old = h->subs[at];
	h->subs[at] = sub;
	CHECK(pthread_mutex_unlock(&h->lock) == 0);
	if (old != NULL)
		(void)epair_event_next(old, &ev);
	epair_unsubscribe(old);
	return 0;
}

static int
vnet(struct hammer *h, struct record_end *end)
{
	unsigned at = 1 + hammer_below(h, HAMMER_VNETS - 1);

	(void)end;
	if (hammer_below(h, 2) == 0)
		return epair_vnet_del(h->life.ep, hammer_vnets[at], NULL);
	return epair_vnet_add(h->life.ep, hammer_vnets[at],
	    at == HAMMER_VNETS - 1 ? "sink" : NULL, NULL);
}

/* How often of all together. */
static const struct {
	act_on_end *act;
	unsigned share;
} acts[] = {
	{ up, 30 },
	{ down, 3 },
	{ destroy, 3 },
	{ move, 5 },
	{ attach_calls, 30 },
	{ attach_pull, 3 },
	{ attach_kind, 5 },
	{ detach, 10 },
	{ pull, 5 },
	{ set_qdisc, 5 },
	{ set_link, 3 },
	{ set_some, 10 },
	{ multi, 3 },
	{ look, 5 },
	{ capture, 3 },
	{ subscribe, 3 },
	{ vnet, 2 },
};
#define ACTS (sizeof(acts) / sizeof(acts[0]))

static act_on_end *
pick(struct hammer *h)
{
	unsigned all = 0, at;
	size_t i = 0;

	for (i = 0; i < ACTS; i++)
		all += acts[i].share;
	at = hammer_below(h, all);
	for (i = 0; at >= acts[i].share; i++)
		at -= acts[i].share;
	return acts[i].act;
}

void
hammer_act(struct hammer *h)
{
	unsigned slot = hammer_below(h, HAMMER_SLOTS);
	struct record *rec;

	if (ep_load_relaxed(&h->stop) != 0)
		return;
	rec = hammer_get(h, slot);
	if (rec == NULL) {
		hammer_create(h, slot);
		return;
	}
	(void)ep_add_relaxed(&h->acts, 1);
	(void)pick(h)(h, &rec->ends[hammer_below(h, 2)]);
	/* By whomever it was destroyed. */
	if (life_is_destroyed(rec->ends[0].ifp))
		hammer_forget(h, slot, rec);
	hammer_put(rec);
}

bool
hammer_end_readers(struct hammer *h)
{
	struct epair_capture *cap;
	struct epair_sub *sub;
	bool had = false;

	for (unsigned i = 0; i < HAMMER_CAPTURES + HAMMER_SUBS; i++) {
		cap = NULL;
		sub = NULL;
		CHECK(pthread_mutex_lock(&h->lock) == 0);
		if (i < HAMMER_CAPTURES) {
			cap = h->captures[i];
			h->captures[i] = NULL;
		} else {
			sub = h->subs[i - HAMMER_CAPTURES];
			h->subs[i - HAMMER_CAPTURES] = NULL;
		}
		CHECK(pthread_mutex_unlock(&h->lock) == 0);
		had |= cap != NULL || sub != NULL;
		epair_capture_close(cap);
		epair_unsubscribe(sub);
	}
	for (unsigned i = 1; i < HAMMER_VNETS; i++)
		(void)epair_vnet_del(h->life.ep, hammer_vnets[i], NULL);
	return had;
}
