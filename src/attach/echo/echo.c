/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/echo/echo.c - a test stack that answers ARP, NDP and ping; see
 * attach/echo/answer.h for what it answers. All else it swallows.
 *
 * Locking: none; receive may run on several workers at once. `mac` is the
 * interface's, as a number so that it is read in one piece.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attach/attach.h"
#include "attach/echo/answer.h"
#include "base/atomic.h"
#include "mbuf/mbuf.h"
#include "mbuf/tag.h"

struct echo {
	struct ep_stack st;
	struct ep_echo_addrs addrs; /* constant */
	uint64_t mac; /* atomic: in its first 6 octets */
	uint64_t sent; /* atomic */
};

static const struct ep_stack_ops echo_ops;

static int
echo_create(struct epair_if *ifp, const void *conf, struct ep_stack **st,
    struct epair_err *err)
{
	struct echo *echo = calloc(1, sizeof(*echo));

	if (echo == NULL)
		return ep_fail(err, -ENOMEM, "no memory for an echo stack");
	echo->st.ops = &echo_ops;
	echo->st.ifp = ifp;
	echo->st.accepts = EPAIR_CAP_VLAN_HWTAGGING;
	memcpy(&echo->addrs, conf, sizeof(echo->addrs));
	*st = &echo->st;
	return 0;
}

static void
echo_release(struct ep_stack *st)
{
	free(st);
}

static void
echo_changed(struct ep_stack *st, uint32_t what)
{
	struct echo *echo = (struct echo *)(void *)st;
	struct epair_if *ifp = st->ifp;
	uint64_t mac = 0;

	if ((what & EPAIR_CHANGED_MAC) == 0)
		return;
	ep_lock(&ifp->ep->lock);
	memcpy(&mac, ifp->mac, sizeof(ifp->mac));
	ep_unlock(&ifp->ep->lock);
	ep_store_relaxed(&echo->mac, mac);
}

static void
echo_start(struct ep_stack *st)
{
	echo_changed(st, EPAIR_CHANGED_MAC);
}

/*
 * The frame in one piece that may be written to and may grow: itself or a copy,
 * which takes it. NULL when there is no memory: it is then still the caller's.
 */
static struct epair_mbuf *
make_writable(struct epair_if *ifp, struct epair_mbuf *m)
{
	struct epair_mbuf *copy;

	if (m->next == NULL && (m->flags & EPAIR_M_EXT) == 0 &&
	    epair_mbuf_tailroom(m) >= EP_ECHO_GROWTH)
		return m;
	if (m->pktlen > EPAIR_MBUF_LARGE - EP_ECHO_GROWTH ||
	    ep_mbuf_alloc(
		ifp->ep->pool, &copy, 1, m->pktlen + EP_ECHO_GROWTH) != 1)
		return NULL;
	copy->len = copy->pktlen = epair_mbuf_read(m, 0, copy->data, m->pktlen);
	if ((m->flags & EPAIR_M_VLANTAG) != 0) {
		copy->flags |= EPAIR_M_VLANTAG;
		copy->vlan_tci = m->vlan_tci;
	}
	ep_mbuf_free1(m);
	return copy;
}

/* An answer is a new frame: nothing of its question's metadata holds. */
static void
forget_question(struct epair_mbuf *m, uint32_t len)
{
	ep_tags_free(m);
	m->flags &= EPAIR_M_VLANTAG | EPAIR_M_LARGE;
	m->hashtype = EPAIR_HASH_NONE;
	m->len = m->pktlen = len;
}

static void
echo_receive(
    struct ep_stack *st, struct epair_mbuf **ms, unsigned n, unsigned queue)
{
	struct echo *echo = (struct echo *)(void *)st;
	struct epair_if *ifp = st->ifp;
	uint64_t mac = ep_load_relaxed(&echo->mac);
	unsigned count = 0;

	(void)queue;
	for (unsigned i = 0; i < n; i++) {
		struct epair_mbuf *m = make_writable(ifp, ms[i]);
		uint32_t len;

		if (m == NULL) {
			(void)ep_drop(
			    ifp, &ms[i], 1, EPAIR_DROP_RX_STACK_FULL, 0);
			continue;
		}
		len = ep_echo_answer((const uint8_t *)&mac, &echo->addrs,
		    m->data, m->len, m->len + epair_mbuf_tailroom(m));
		if (len == 0) {
			ep_mbuf_free1(m);
			continue;
		}
		forget_question(m, len);
		ms[count++] = m;
	}
	if (count == 0)
		return;
	(void)ep_add_relaxed(&echo->sent, count);
	(void)ep_pair_transmit(ifp, ms, count);
}

static void
echo_progress(struct ep_stack *st, struct epair_progress *progress)
{
	const struct echo *echo = (const struct echo *)(const void *)st;

	progress->done = 1; /* it only answers */
	progress->sent = ep_load_relaxed(&echo->sent);
}

static const struct ep_stack_ops echo_ops = {
	.kind = "echo",
	.start = echo_start,
	.receive = echo_receive,
	.changed = echo_changed,
	.release = echo_release,
	.progress = echo_progress,
};

static const struct ep_opt echo_opts[] = {
	{ "addr", "CIDR", EP_OPT_CIDR, offsetof(struct ep_echo_addrs, list),
	    .many = EP_ECHO_ADDRS_MAX,
	    .many_offset = offsetof(struct ep_echo_addrs, count) },
	{ NULL },
};

static const char *const echo_keys[] = { "addr=CIDR", NULL };

const struct ep_kind ep_kind_echo = {
	.pub = {
		.name = "echo",
		.sentence = "answers ARP, NDP and ping, for addr= (up to 16) "
			    "or, without, for every address",
		.keys = echo_keys,
		.sim = 1,
	},
	.opts = echo_opts,
	.conf_size = sizeof(struct ep_echo_addrs),
	.create = echo_create,
};
