/* SPDX-License-Identifier: BSD-2-Clause */
#include "hammer.h"

#include "base/atomic.h"

#define BURST_MAX   150u /* more than transmit takes up at once */
#define HEADERS_LEN 42u
#define MAGIC       UINT32_C(0x68616d6d)

/* What our frames carry behind Ethernet, IPv4 and UDP. */
struct load {
	uint32_t magic;
	uint8_t sender, flow, hops, pad;
	uint32_t number; /* in its sender's flow */
};

static struct epair_mbuf *
make_frame(struct sender *s)
{
	struct hammer *h = s->h;
	struct load load = {
		.magic = MAGIC,
		.sender = (uint8_t)s->number,
		.flow = (uint8_t)hammer_below(h, HAMMER_FLOWS),
		.hops = (uint8_t)hammer_below(h, 3),
	};
	struct epair_mbuf *m = life_flow(h->life.ep, load.flow);

	load.number = ++s->next[load.flow];
	memcpy(m->data + HEADERS_LEN, &load, sizeof(load));
	switch (hammer_below(h, 32)) {
	case 0: /* too long for most, once in a while */
		m->len = m->pktlen = 1600;
		memset(m->data + 60, 0, 1540);
		break;
	case 1: /* no frame at all */
		m->len = m->pktlen = 10;
		break;
	case 2:
	case 3: /* to be finished */
		m->flags |= EPAIR_M_CSUM_PARTIAL;
		m->csum_start = 34;
		m->csum_offset = 6;
		break;
	default:
		break;
	}
	return m;
}

static void
transmit(struct record_end *end, struct epair_mbuf **ms, unsigned n)
{
	(void)ep_add_relaxed(&end->sent, n);
	(void)epair_if_transmit(end->ifp, ms, n);
}

void
hammer_send(struct sender *s, struct record_end *end)
{
	struct epair_mbuf *ms[BURST_MAX];
	unsigned n = 1 + hammer_below(s->h, 4) * hammer_below(s->h, 50);

	for (unsigned i = 0; i < n; i++)
		ms[i] = make_frame(s);
	transmit(end, ms, n);
}

/* Flows stay in order unless somebody made them not to (contract 4.5, 6.3). */
static void
check_order(struct record_end *end, const struct load *load)
{
	struct record_end *from = &end->rec->ends[end == &end->rec->ends[0]];
	uint32_t *last;

	CHECK(load->sender < HAMMER_SENDERS && load->flow < HAMMER_FLOWS);
	last = &end->last[load->sender][load->flow];
	CHECK(ep_load_relaxed(&from->is_linked) ||
	      (int32_t)(load->number - ep_load_relaxed(last)) > 0);
	ep_store_relaxed(last, load->number);
}

static bool
read_load(const struct epair_mbuf *m, struct load *load)
{
	return epair_mbuf_read(m, HEADERS_LEN, load, sizeof(*load)) ==
		   sizeof(*load) &&
	       load->magic == MAGIC;
}

/* Sent on, a frame is of no sender's order any more. */
static unsigned
pick_travellers(struct epair_mbuf **ms, unsigned n)
{
	unsigned count = 0;
	struct load load;

	for (unsigned i = 0; i < n; i++) {
		struct epair_mbuf *m = ms[i];

		if (!read_load(m, &load) || load.hops == 0 ||
		    m->flags & EPAIR_M_EXT || m->len < 60)
			continue;
		load.hops--;
		load.sender = UINT8_MAX;
		memcpy(m->data + HEADERS_LEN, &load, sizeof(load));
		ms[i] = ms[count];
		ms[count++] = m;
	}
	return count;
}

/* Back where they came from, or into another cable. */
static unsigned
send_on(struct record_end *end, struct epair_mbuf **ms, unsigned n)
{
	struct hammer *h = end->rec->h;
	struct record *rec = end->rec;

	n = pick_travellers(ms, n);
	hammer_ref(rec);
	if (hammer_below(h, 2) == 0) {
		struct record *other = hammer_get(
		    h, hammer_below(h, HAMMER_SLOTS));

		if (other != NULL) {
			hammer_put(rec);
			rec = other;
			end = &rec->ends[hammer_below(h, 2)];
		}
	}
	transmit(end, ms, n);
	hammer_put(rec);
	return n;
}

static void
keep(struct hammer *h, struct epair_mbuf **ms)
{
	unsigned at = hammer_below(h, HAMMER_KEPT);
	struct epair_mbuf *before;

	CHECK(pthread_mutex_lock(&h->lock) == 0);
	before = h->kept[at];
	h->kept[at] = *ms;
	CHECK(pthread_mutex_unlock(&h->lock) == 0);
	*ms = before;
}

void
hammer_receive(
    void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	struct record_end *end = arg;
	struct hammer *h = end->rec->h;
	unsigned gone = 0;
	struct load load;

	CHECK(ifp == end->ifp && n > 0);
	(void)ep_add_relaxed(&end->got, n);
	for (unsigned i = 0; i < n; i++)
		if (read_load(ms[i], &load) && load.sender != UINT8_MAX)
			check_order(end, &load);
	if (hammer_below(h, 3) == 0)
		gone = send_on(end, ms, n);
	else if (hammer_below(h, 8) == 0)
		keep(h, &ms[0]);
	if (hammer_below(h, 400) == 0)
		hammer_act(h);
	epair_mbuf_free(ms + gone, n - gone);
}

void
hammer_free_kept(struct hammer *h)
{
	struct epair_mbuf *kept[HAMMER_KEPT];

	CHECK(pthread_mutex_lock(&h->lock) == 0);
	memcpy(kept, h->kept, sizeof(kept));
	memset(h->kept, 0, sizeof(h->kept));
	CHECK(pthread_mutex_unlock(&h->lock) == 0);
	epair_mbuf_free(kept, HAMMER_KEPT);
}
