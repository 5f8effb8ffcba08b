/* SPDX-License-Identifier: BSD-2-Clause */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>

const uint8_t mac_broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
const uint8_t mac_group[6] = { 0x01, 0, 0x5e, 0, 0, 0x01 };
const uint8_t mac_station[6] = { 0x02, 0, 0, 0, 0, 0x01 };

/*
 * Life.
 */

static struct epair *
instance_with(unsigned queues)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.way = EPAIR_SIM,
		.queues = queues,
		.host_id_set = true,
		.host_id = RIG_HOST_ID,
	};
	struct epair *ep;

	assert_int_equal(epair_new(&opts, &ep, NULL), 0);
	return ep;
}

struct epair *
instance(void)
{
	return instance_with(1);
}

/* Destroy every pair that is left, in whatever vnet. */
static void
destroy_all(struct epair *ep)
{
	char vnets[64][EPAIR_NAME_MAX], names[1][EPAIR_NAME_MAX];
	int count = epair_vnet_list(ep, vnets, 64);

	assert_in_range(count, 1, 64);
	for (int i = 0; i < count; i++)
		while (epair_if_list(ep, vnets[i], names, 1) > 0)
			destroy(find(ep, vnets[i], names[0]));
}

void
instance_free(struct epair *ep)
{
	struct epair_usage u;

	destroy_all(ep);
	(void)epair_run(ep, 0);
	u = usage(ep);
	assert_int_equal(u.pairs, 0);
	assert_int_equal(u.interfaces, 0);
	assert_int_equal(u.mbufs, 0);
	assert_int_equal(u.tasks_waiting, 0);
	assert_int_equal(epair_free(ep), 0);
}

static int
set_up(void **state, unsigned queues)
{
	struct rig *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return -1;
	r->ep = instance_with(queues);
	*state = r;
	return 0;
}

static int
set_up_pair(void **state, unsigned queues)
{
	struct rig *r;

	if (set_up(state, queues) < 0)
		return -1;
	r = *state;
	r->a = make(r->ep, NULL, "epair0");
	r->b = epair_if_peer(r->a);
	keep(r->a, &r->at_a);
	keep(r->b, &r->at_b);
	assert_int_equal(epair_if_up(r->a), 0);
	assert_int_equal(epair_if_up(r->b), 0);
	run(r);
	return 0;
}

int
rig_setup(void **state)
{
	return set_up_pair(state, 1);
}

int
rig_setup_queues(void **state)
{
	return set_up_pair(state, 4);
}

int
rig_setup_bare(void **state)
{
	return set_up(state, 1);
}

int
rig_teardown(void **state)
{
	struct rig *r = *state;

	forget(&r->at_a);
	forget(&r->at_b);
	epair_if_put(r->a);
	epair_if_put(r->b);
	instance_free(r->ep);
	/* What was still queued is never delivered. */
	assert_int_equal(r->at_a.count + r->at_b.count, 0);
	free(r);
	return 0;
}

/*
 * Pairs.
 */

struct epair_if *
make(struct epair *ep, const char *vnet, const char *name)
{
	struct epair_err err = { .text = "" };
	struct epair_if *a = NULL;
	int error = epair_if_create(ep, vnet, name, NULL, &a, &err);

	assert_string_equal(err.text, "");
	assert_int_equal(error, 0);
	assert_non_null(a);
	return a;
}

int
make_error(struct epair *ep, const char *vnet, const char *name)
{
	return epair_if_create(ep, vnet, name, NULL, NULL, NULL);
}

const char *
make_name(struct epair *ep, const char *vnet, const char *name)
{
	static char made[EPAIR_NAME_MAX];
	struct epair_if *a = make(ep, vnet, name);

	(void)snprintf(made, sizeof(made), "%s", info(a).name);
	epair_if_put(a);
	return made;
}

struct epair_if *
find(struct epair *ep, const char *vnet, const char *name)
{
	struct epair_if *ifp = NULL;
	int error = epair_if_get(ep, vnet, name, &ifp, NULL);

	return error == 0 ? ifp : NULL;
}

void
destroy(struct epair_if *ifp)
{
	assert_non_null(ifp);
	assert_int_equal(epair_if_destroy(ifp, NULL), 0);
	epair_if_put(ifp);
}

struct epair_if_info
info(struct epair_if *ifp)
{
	struct epair_if_info i = { .size = sizeof(i) };

	assert_non_null(ifp);
	assert_int_equal(epair_if_get_info(ifp, &i), 0);
	return i;
}

struct epair_if_stats
stats(struct epair_if *ifp)
{
	struct epair_if_stats s = { .size = sizeof(s) };

	assert_int_equal(epair_if_get_stats(ifp, &s), 0);
	return s;
}

struct epair_usage
usage(struct epair *ep)
{
	struct epair_usage u = { .size = sizeof(u) };

	assert_int_equal(epair_get_usage(ep, &u), 0);
	return u;
}

const char *
list(struct epair *ep, const char *vnet)
{
	static char text[1024];
	char names[64][EPAIR_NAME_MAX];
	int count = epair_if_list(ep, vnet, names, 64);
	size_t at = 0;

	assert_in_range(count, 0, 64);
	text[0] = '\0';
	for (int i = 0; i < count; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s",
		    i > 0 ? " " : "", names[i]);
	return text;
}

/*
 * Frames.
 */

static void
receive(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	struct seen *seen = arg;

	seen->calls++;
	for (unsigned i = 0; i < n; i++) {
		if (seen->count < SEEN_MAX)
			seen->ms[seen->count] = ms[i];
		else
			epair_mbuf_free(&ms[i], 1);
		seen->count++;
	}
	if (seen->then != NULL)
		seen->then(seen, ifp);
}

static void
detached(void *arg, struct epair_if *ifp)
{
	struct seen *seen = arg;

	(void)ifp;
	seen->detached++;
}

void
keep_accepting(struct epair_if *ifp, struct seen *seen, uint32_t accepts)
{
	const struct epair_stack stack = {
		.size = sizeof(stack),
		.receive = receive,
		.detached = detached,
		.accepts = accepts,
	};

	assert_int_equal(epair_attach_stack(ifp, &stack, seen, NULL), 0);
}

void
keep(struct epair_if *ifp, struct seen *seen)
{
	keep_accepting(ifp, seen, 0);
}

void
forget(struct seen *seen)
{
	epair_mbuf_free(
	    seen->ms, seen->count < SEEN_MAX ? seen->count : SEEN_MAX);
	seen->count = 0;
	seen->calls = 0;
}

struct epair_mbuf *
frame_to(struct epair *ep, const uint8_t *mac, uint32_t len)
{
	static _Thread_local uint8_t octets[66000];
	struct epair_mbuf *m;

	assert_in_range(len, 0, sizeof(octets));
	memcpy(octets, mac, 6);
	memcpy(octets + 6, "\x02\0\0\0\0\x02\x88\xb5", 8);
	m = epair_mbuf_from(ep, octets, len);
	assert_non_null(m);
	return m;
}

struct epair_mbuf *
frame(struct epair *ep, uint32_t len)
{
	return frame_to(ep, mac_station, len);
}

int
transmit(struct epair_if *ifp, struct epair_mbuf *m)
{
	return epair_if_transmit(ifp, &m, 1);
}

int
send_one(struct epair_if *ifp, uint32_t len)
{
	return transmit(ifp, frame(epair_if_instance(ifp), len));
}

void
send_many(struct epair_if *ifp, unsigned n, uint32_t len)
{
	for (unsigned i = 0; i < n; i++) {
		struct epair_mbuf *m = frame(epair_if_instance(ifp), len);

		m->flags |= EPAIR_M_TSTAMP;
		m->tstamp_ns = i;
		assert_int_equal(transmit(ifp, m), 0);
	}
}

int
in_order(const struct seen *seen, uint64_t first)
{
	for (unsigned i = 0; i < seen->count && i < SEEN_MAX; i++)
		if (seen->ms[i]->tstamp_ns != first + i)
			return 0;
	return 1;
}

void
run(struct rig *r)
{
	assert_int_equal(epair_run(r->ep, 0), 0);
}
