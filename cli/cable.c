/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/cable.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "confine/confine.h"

#define SETTLE_MS      2000
#define SETTLE_STEP_NS UINT64_C(2000000)

static const char end_names[] = "ab";

uint64_t
cable_clock(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * OPT_NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t
cable_now(const struct cable *c)
{
	return c->is_sim ? epair_now(c->ep) : cable_clock();
}

int
cable_pass(const struct cable *c, uint64_t ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(ns / OPT_NS_PER_S),
		.tv_nsec = (long)(ns % OPT_NS_PER_S),
	};

	if (c->is_sim)
		return epair_advance(c->ep, ns);
	(void)nanosleep(&ts, NULL);
	return 0;
}

struct make_instance {
	const struct cable_how *how;
	struct epair *ep;
	struct epair_err err;
	int error;
};

static void
make_instance(void *arg)
{
	struct make_instance *m = arg;
	struct epair_opts opts = {
		.size = sizeof(opts),
		.way = m->how->sim ? EPAIR_SIM : EPAIR_THREADS,
		.seed = m->how->seed,
		.workers = (unsigned)m->how->workers,
		.apart = true, /* or there is nothing for a second worker */
		.queues = (unsigned)m->how->queues,
		.poll_us = (uint32_t)m->how->poll_us,
		.guard_sigbus = true,
	};

	m->error = epair_new(&opts, &m->ep, &m->err);
}

/*
 * The instance without rights, its opener with ours, and then none for us.
 * Without an opener there is still all that needs none: the first attachment
 * that does will say so.
 */
static int
open_instance(
    const struct cli *cli, const struct cable_how *how, struct epair **ep)
{
	/* Files: whoever calls us names what he may write, and may. */
	static const struct confine confine = { .files = false };
	struct make_instance m = { .how = how };
	int error = confine_call(&confine, make_instance, &m);

	if (error == 0 && m.error != 0)
		return cli_fail(cli, "instance", &m.err);
	if (error == 0) {
		*ep = m.ep;
		(void)epair_opener_start(m.ep, NULL);
		error = confine_self(&confine);
	}
	if (error != 0) {
		cli_complain(cli, "giving up rights: %s", strerror(-error));
		return CLI_FAILED;
	}
	return CLI_OK;
}

static int
set_links(
    const struct cli *cli, const struct cable *c, const struct cable_how *how)
{
	static const char *const links[] = { "--link-a", "--link-b" };
	static const char *const qdiscs[] = { "--qdisc-a", "--qdisc-b" };
	struct epair_err err = { 0 };

	for (int i = 0; i < 2; i++) {
		if (how->link[i] != NULL &&
		    epair_if_set_link(c->ends[i], how->link[i], &err) != 0)
			return cli_fail(cli, links[i], &err);
		if (how->qdisc[i] != NULL &&
		    epair_if_set_qdisc(c->ends[i], how->qdisc[i], &err) != 0)
			return cli_fail(cli, qdiscs[i], &err);
		if (epair_if_set_full(
			c->ends[i], (enum epair_full)how->full, &err) != 0)
			return cli_fail(cli, "--full", &err);
	}
	return CLI_OK;
}

static int
make_pair(const struct cli *cli, struct cable *c, const struct cable_how *how)
{
	struct epair_create create = {
		.size = sizeof(create),
		.mtu = (uint32_t)how->mtu,
		.mac_a = how->mac[0].is_set ? how->mac[0].octets : NULL,
		.mac_b = how->mac[1].is_set ? how->mac[1].octets : NULL,
		.carrier = (enum epair_carrier)how->carrier,
	};
	struct epair_err err = { 0 };

	if (epair_if_create(c->ep, NULL, "epair", &create, &c->ends[0], &err) !=
	    0)
		return cli_fail(cli, "create", &err);
	c->ends[1] = epair_if_peer(c->ends[0]);
	return set_links(cli, c, how);
}

void
cable_up(const struct cable *c)
{
	for (int i = 0; i < 2; i++)
		(void)epair_if_up(c->ends[i]);
}

void
cable_down(const struct cable *c)
{
	for (int i = 0; i < 2; i++)
		(void)epair_if_down(c->ends[i]);
}

int
cable_create(
    const struct cli *cli, struct cable *c, const struct cable_how *how)
{
	struct epair_err err = { 0 };
	int status;

	*c = (struct cable){ .is_sim = how->sim };
	status = open_instance(cli, how, &c->ep);
	if (status == CLI_OK && epair_subscribe(c->ep, 0, &c->sub, &err) != 0)
		status = cli_fail(cli, "events", &err);
	if (status == CLI_OK)
		status = make_pair(cli, c, how);
	if (status != CLI_OK)
		cable_destroy(c);
	return status;
}

void
cable_destroy(struct cable *c)
{
	if (c->ends[0] != NULL)
		(void)epair_if_destroy(c->ends[0], NULL);
	epair_if_put(c->ends[0]);
	epair_if_put(c->ends[1]);
	epair_unsubscribe(c->sub);
	if (c->ep != NULL)
		(void)epair_free(c->ep);
	*c = (struct cable){ 0 };
}

void
cable_look_stats(const struct cable *c, struct cable_view *view)
{
	for (int i = 0; i < 2; i++) {
		view->link[i].size = sizeof(view->link[i]);
		(void)epair_if_get_link_stats(c->ends[i], &view->link[i]);
		view->stats[i].size = sizeof(view->stats[i]);
		(void)epair_if_get_stats(c->ends[i], &view->stats[i]);
	}
}

void
cable_look(const struct cable *c, struct cable_view *view)
{
	*view = (struct cable_view){ 0 };
	cable_look_stats(c, view);
	for (int i = 0; i < 2; i++) {
		view->info[i].size = sizeof(view->info[i]);
		(void)epair_if_get_info(c->ends[i], &view->info[i]);
		show_cable_look(&view->cable[i], c->ends[i]);
	}
}

/*
 * What the receiving interface has dropped. What a stack refused after it was
 * handed it counts as delivered, too.
 */
static uint64_t
dropped(const struct epair_if_stats *s)
{
	enum { SIDE_tx = 0, SIDE_rx = 1 };
	uint64_t sum = 0;

#define CABLE_DROP(NAME, word, side, counter, sentence) \
	sum += SIDE_##side * s->drops[EPAIR_DROP_##NAME];
	EPAIR_DROPS(CABLE_DROP)
#undef CABLE_DROP
	return sum - s->drops[EPAIR_DROP_RX_STACK_FULL] -
	       s->drops[EPAIR_DROP_RX_STACK_DOWN] -
	       s->drops[EPAIR_DROP_RX_STACK_ERROR];
}

uint64_t
cable_refused(const struct cable_view *view, int end)
{
	const struct epair_if_stats *s = &view->stats[end];
	/* What moves no counter never was a frame of ours. */
	enum {
		COUNTER_none = 0,
		COUNTER_ierrors = 0,
		COUNTER_oerrors = 1,
		COUNTER_oqdrops = 1,
	};
	uint64_t sum = 0;

#define CABLE_DROP(NAME, word, side, counter, sentence) \
	sum += COUNTER_##counter * s->drops[EPAIR_DROP_##NAME];
	EPAIR_DROPS(CABLE_DROP)
#undef CABLE_DROP
	/* Those that the link dropped were sent before; these two by chance. */
	return sum -
	       (view->link[end].dropped - s->drops[EPAIR_DROP_IMPAIR_CUT] -
		   s->drops[EPAIR_DROP_IMPAIR_LOSS]);
}

uint64_t
cable_drops(const struct epair_if_stats *s)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < EPAIR_DROP_MAX; i++)
		sum += s->drops[i];
	return sum;
}

static bool
is_accounted(const struct cable_view *view, int from)
{
	const struct epair_if_stats *tx = &view->stats[from];
	const struct epair_if_stats *rx = &view->stats[!from];
	const struct epair_link_stats *link = &view->link[from];

	return rx->queued == 0 &&
	       tx->opackets + link->duplicated ==
		   rx->ipackets + link->dropped + link->under_way &&
	       rx->ipackets == rx->delivered + dropped(rx);
}

bool
cable_is_settled(const struct cable_view *view, int from)
{
	return view->link[from].waiting == 0 &&
	       view->link[from].under_way == 0 && is_accounted(view, from);
}

bool
cable_settle(const struct cable *c, int from, int ms, struct cable_view *view)
{
	uint64_t end = cable_now(c) + (uint64_t)ms * 1000000;

	for (;;) {
		cable_look_stats(c, view);
		if (cable_is_settled(view, from))
			return true;
		if (cable_now(c) >= end || cable_pass(c, SETTLE_STEP_NS) != 0)
			return false;
	}
}

/* Complain of a direction in which frames have come to nothing. */
static int
account(const struct cli *cli, const struct cable_view *view, int from)
{
	const struct epair_if_stats *tx = &view->stats[from];
	const struct epair_if_stats *rx = &view->stats[!from];

	/* A slow link may hold frames for longer than anybody would wait. */
	if (is_accounted(view, from))
		return CLI_OK;
	cli_complain(cli,
	    "frames from %c to %c are not accounted for: %" PRIu64
	    " sent, %" PRIu64 " received, of these %" PRIu64
	    " delivered, %" PRIu64 " dropped, %" PRIu64 " queued",
	    end_names[from], end_names[!from], tx->opackets, rx->ipackets,
	    rx->delivered, dropped(rx), rx->queued);
	return CLI_FAILED;
}

int
cable_stop(const struct cli *cli, const struct cable *c, int first,
    struct cable_view *view)
{
	struct cable_view after = { 0 };
	int status = CLI_OK;

	cable_look(c, view);
	for (int i = 0; i < 2; i++) {
		int end = i == 0 ? first : !first;

		view->detached += epair_detach(c->ends[end], NULL) == 0;
		(void)cable_settle(c, end, SETTLE_MS, &after);
	}
	cable_look_stats(c, &after);
	for (int i = 0; i < 2; i++) {
		view->stats[i] = after.stats[i];
		view->link[i] = after.link[i];
		if (account(cli, &after, i) != CLI_OK)
			status = CLI_FAILED;
	}
	return status;
}
