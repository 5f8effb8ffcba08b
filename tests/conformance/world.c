/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack.h"

/* Of the metadata tags that `tx` hangs on a frame. */
#define TAG_COOKIE 0x65706169u

bool
world_pay(struct world *w, uint64_t price)
{
	if (w->budget < price) {
		w->budget = 0;
		w->error = "it goes on for longer than a trace may";
		return false;
	}
	w->budget -= price;
	return true;
}

uint64_t
world_price(uint32_t len)
{
	return 1 + len / 2048;
}

/*
 * Life.
 */

int
world_init(struct world *w, uint64_t host_id, uint64_t budget)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.way = EPAIR_SIM,
		.host_id_set = true,
		.host_id = host_id,
		/* The original knew no limit but that of its queues. */
		.mbufs_max = 1u << 20,
		.large_mbufs_max = 1u << 18,
		.pair_mbufs_max = 1u << 20,
		.vnet_mbufs_max = 1u << 20,
	};
	int error;

	*w = (struct world){ .budget = budget };
	w->octets = calloc(1, TRACE_LEN_MAX);
	if (w->octets == NULL)
		return -ENOMEM;
	error = epair_new(&opts, &w->ep, NULL);
	if (error < 0)
		free(w->octets);
	return error;
}

int
world_fini(struct world *w)
{
	int error;

	stack_remove_all(w);
	runs_fini(&w->got);
	free(w->octets);
	error = epair_free(w->ep);
	if (error == 0)
		w->ep = NULL;
	return error;
}

/*
 * The commands.
 */

/* "0", or the name of an error. */
static int
say_error(char **answer, int error)
{
	*answer = strdup(epair_err_name(error));
	return *answer != NULL ? 0 : -1;
}

static int say(char **answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int
say(char **answer, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(answer, format, args);
	va_end(args);
	if (len < 0)
		*answer = NULL;
	return len < 0 ? -1 : 0;
}

static int
do_create(struct world *w, const struct trace_exchange *x, char **answer)
{
	struct epair_if *a, *b;
	int error = epair_if_create(w->ep, x->vnet, x->name, NULL, &a, NULL);

	if (error < 0)
		return say_error(answer, error);
	b = epair_if_peer(a);
	error = stack_add(w, a);
	if (error < 0) {
		epair_if_put(b);
		return say_error(answer, error);
	}
	error = stack_add(w, b);
	if (error < 0)
		return say_error(answer, error);
	/* The head of the list is now b, and a is behind it. */
	return say(answer, "%s", w->ends->next->name.name);
}

/* The stack behind I if the library, too, finds an interface of that name. */
static int
look_up(struct world *w, const struct runs_if *name, struct end **end)
{
	struct epair_if *ifp;
	int error = epair_if_get(w->ep, name->vnet, name->name, &ifp, NULL);

	if (error < 0)
		return error == -ENOENT ? -ENXIO : error;
	epair_if_put(ifp);
	*end = stack_find(w, name);
	return *end != NULL ? 0 : -EFAULT;
}

static int
do_forward(struct world *w, struct end *end, const struct trace_exchange *x,
    char **answer)
{
	struct end *to = NULL;
	int error;

	if (x->to.name[0] != '\0') {
		error = look_up(w, &x->to, &to);
		if (error < 0)
			return say_error(answer, error);
	}
	end->forward = to;
	return say_error(answer, 0);
}

/* The next frame of a `tx`, or NULL. */
static struct epair_mbuf *
make_frame(struct world *w, const struct trace_exchange *x)
{
	static const uint8_t headers[][14] = {
		{ 0x02, 0, 0, 0, 0, 0x01, 0x02, 0, 0, 0, 0, 0x02, 0x88, 0xb5 },
		{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0, 0x02,
		    0x88, 0xb5 },
		{ 0x01, 0, 0x5e, 0, 0, 0x01, 0x02, 0, 0, 0, 0, 0x02, 0x88,
		    0xb5 },
	};
	unsigned kind = x->meta & TRACE_BCAST   ? 1
			: x->meta & TRACE_MCAST ? 2
						: 0;
	struct epair_mbuf *m;
	int error = 0;

	memcpy(w->octets, headers[kind], sizeof(headers[kind]));
	m = epair_mbuf_from(w->ep, w->octets, x->len);
	if (m == NULL)
		return NULL;
	m->tstamp_ns = ++w->frames;
	m->flags |= EPAIR_M_TSTAMP;
	m->flags |= x->meta & TRACE_BCAST ? EPAIR_M_BCAST : 0;
	m->flags |= x->meta & TRACE_MCAST ? EPAIR_M_MCAST : 0;
	m->flags |= x->meta & TRACE_SNDTAG ? EPAIR_M_SNDTAG : 0;
	if (x->meta & TRACE_VLANTAG) {
		m->flags |= EPAIR_M_VLANTAG;
		m->vlan_tci = 42;
	}
	if (x->meta & TRACE_PTAG)
		error = epair_mbuf_tag_add(m, TAG_COOKIE, 1, true, "p", 1);
	if (x->meta & TRACE_NTAG && error == 0)
		error = epair_mbuf_tag_add(m, TAG_COOKIE, 2, false, "n", 1);
	if (error < 0) {
		epair_mbuf_free(&m, 1);
		return NULL;
	}
	return m;
}

static int
do_tx(struct world *w, struct end *end, const struct trace_exchange *x,
    char **answer)
{
	struct epair_mbuf *m;
	int error = 0;

	for (uint64_t i = 0; i < x->number; i++) {
		if (!world_pay(w, world_price(x->len)))
			return -1;
		m = make_frame(w, x);
		if (m == NULL) {
			w->error = "no mbuf to transmit";
			return -1;
		}
		error = epair_if_transmit(end->ifp, &m, 1);
	}
	return say_error(answer, error);
}

/*
 * Run up to n tasks, in portions, so that a budget can end it. go is
 * epair_step() or epair_run().
 */
static int
do_tasks(struct world *w, int (*go)(struct epair *ep, unsigned n), uint64_t n,
    char **answer)
{
	unsigned portion;
	int waiting;

	do {
		portion = n > 16 ? 16 : (unsigned)n;
		n -= portion;
		waiting = go(w->ep, portion);
		if (waiting < 0)
			return say_error(answer, waiting);
		if (!world_pay(w, portion) || w->error != NULL)
			return -1;
	} while (n > 0 && waiting > 0);
	return say(answer, "%d", waiting);
}

static int
do_stats(struct end *end, char **answer)
{
	struct epair_if_stats s = { .size = sizeof(s) };
	int error = epair_if_get_stats(end->ifp, &s);

	if (error < 0)
		return say_error(answer, error);
	return say(answer,
	    "ipackets=%" PRIu64 " ibytes=%" PRIu64 " imcasts=%" PRIu64
	    " ierrors=%" PRIu64 " opackets=%" PRIu64 " obytes=%" PRIu64
	    " omcasts=%" PRIu64 " oerrors=%" PRIu64 " oqdrops=%" PRIu64,
	    s.ipackets, s.ibytes, s.imcasts, s.ierrors, s.opackets, s.obytes,
	    s.omcasts, s.oerrors, s.oqdrops);
}

static int
do_show(struct end *end, char **answer)
{
	struct epair_if_info i = { .size = sizeof(i) };
	int error = epair_if_get_info(end->ifp, &i);

	if (error < 0)
		return say_error(answer, error);
	return say(answer,
	    "ether=%02x:%02x:%02x:%02x:%02x:%02x mtu=%u up=%d running=%d "
	    "link=%s index=%u",
	    i.mac[0], i.mac[1], i.mac[2], i.mac[3], i.mac[4], i.mac[5], i.mtu,
	    (i.flags & EPAIR_IFF_UP) != 0, (i.flags & EPAIR_IFF_RUNNING) != 0,
	    i.link == EPAIR_LINK_UP ? "up" : "down", i.index);
}

static int
do_list(struct world *w, const char *vnet, char **answer)
{
	char(*names)[EPAIR_NAME_MAX];
	int count = epair_if_list(w->ep, vnet, NULL, 0);
	char *at;

	if (count < 0)
		return say_error(answer, count);
	names = calloc((size_t)count + 1, sizeof(*names));
	*answer = at = calloc((size_t)count + 1, sizeof(*names) + 1);
	if (names == NULL || at == NULL) {
		free(names);
		return -1;
	}
	count = epair_if_list(w->ep, vnet, names, (size_t)count);
	for (int i = 0; i < count; i++)
		at += sprintf(at, "%s%s", i > 0 ? " " : "", names[i]);
	free(names);
	return 0;
}

/* Commands on an interface. */
static int
do_if(struct world *w, const struct trace_exchange *x, char **answer)
{
	struct end *end;
	int error = look_up(w, &x->ifp, &end);

	if (error < 0)
		return say_error(answer, error);

	switch (x->verb) {
	case TRACE_DESTROY:
		error = epair_if_destroy(end->ifp, NULL);
		stack_look_again(w);
		break;
	case TRACE_VMOVE:
		error = epair_if_move(end->ifp, x->vnet, NULL);
		stack_look_again(w);
		break;
	case TRACE_UP:
		error = epair_if_up(end->ifp);
		break;
	case TRACE_DOWN:
		error = epair_if_down(end->ifp);
		break;
	case TRACE_MTU:
		error = epair_if_set_mtu(end->ifp, (uint32_t)x->number, NULL);
		break;
	case TRACE_FIB:
		error = epair_if_set_fib(end->ifp, (uint16_t)x->number);
		break;
	case TRACE_FORWARD:
		return do_forward(w, end, x, answer);
	case TRACE_TX:
		return do_tx(w, end, x, answer);
	case TRACE_STATS:
		return do_stats(end, answer);
	case TRACE_SHOW:
		return do_show(end, answer);
	default:
		error = -EOPNOTSUPP;
		break;
	}
	return say_error(answer, error);
}

int
world_do(struct world *w, const struct trace_exchange *x, char **answer)
{
	int error;

	*answer = NULL;
	switch (x->verb) {
	case TRACE_VNET:
		error = say_error(
		    answer, epair_vnet_add(w->ep, x->vnet, NULL, NULL));
		break;
	case TRACE_VNETDEL:
		error = say_error(answer, epair_vnet_del(w->ep, x->vnet, NULL));
		stack_look_again(w);
		break;
	case TRACE_CREATE:
		error = do_create(w, x, answer);
		break;
	case TRACE_STEP:
		error = do_tasks(w, epair_step, x->number, answer);
		break;
	case TRACE_RUN:
		error = do_tasks(w, epair_run, UINT64_MAX, answer);
		break;
	case TRACE_LIST:
		error = do_list(w, x->vnet, answer);
		break;
	default:
		error = do_if(w, x, answer);
		break;
	}
	if (error < 0 && w->error == NULL)
		w->error = "no memory";
	if (w->error != NULL)
		return w->budget == 0 ? -ELOOP : -ENOMEM;
	return 0;
}
