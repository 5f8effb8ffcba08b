/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab.h"

const uint8_t lab_octets[1514] = { 2, 0, 0, 0, 0, 1, 2 };

static void
receive(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	struct lab *lab = arg;

	(void)ifp;
	lab->last_ns = epair_now(lab->ep);
	if (lab->arrived == 0)
		lab->first_ns = lab->last_ns;
	lab->arrived += n;
	for (unsigned i = 0; i < n && lab->then != NULL; i++)
		lab->then(lab, ms[i]);
	epair_mbuf_free(ms, n);
}

struct epair_if *
lab_make(struct lab *lab, const char *name)
{
	struct epair_if *a, *b;

	assert_int_equal(
	    epair_if_create(lab->ep, NULL, name, NULL, &a, NULL), 0);
	b = epair_if_peer(a);
	assert_int_equal(epair_if_up(a), 0);
	assert_int_equal(epair_if_up(b), 0);
	epair_if_put(b);
	return a;
}

void
lab_init(struct lab *lab, uint64_t seed,
    void (*then)(struct lab *lab, struct epair_mbuf *m), void *arg)
{
	const struct epair_opts opts = { .size = sizeof(opts),
		.way = EPAIR_SIM,
		.seed = seed,
		.host_id_set = true,
		.host_id = 1 };
	const struct epair_stack stack = { .size = sizeof(stack),
		.receive = receive };

	*lab = (struct lab){ .then = then, .arg = arg };
	assert_int_equal(epair_new(&opts, &lab->ep, NULL), 0);
	lab->a = lab_make(lab, "epair7");
	lab->b = epair_if_peer(lab->a);
	assert_int_equal(epair_attach_stack(lab->b, &stack, lab, NULL), 0);
}

void
lab_fini(struct lab *lab)
{
	struct epair_usage u = { .size = sizeof(u) };

	epair_if_put(lab->b);
	assert_int_equal(epair_if_destroy(lab->a, NULL), 0);
	epair_if_put(lab->a);
	assert_int_equal(epair_get_usage(lab->ep, &u), 0);
	assert_int_equal(u.mbufs, 0);
	assert_int_equal(epair_free(lab->ep), 0);
}

void
lab_set(struct epair_if *ifp, const char *words)
{
	struct epair_err err = { .text = "" };
	int error = epair_if_set_link(ifp, words, &err);

	assert_string_equal(err.text, "");
	assert_int_equal(error, 0);
}

void
lab_send(struct epair_if *ifp, uint64_t number, uint32_t len)
{
	struct epair_mbuf *m = epair_mbuf_from(
	    epair_if_instance(ifp), lab_octets, len);

	assert_non_null(m);
	m->flags |= EPAIR_M_TSTAMP;
	m->tstamp_ns = number;
	(void)epair_if_transmit(ifp, &m, 1);
}

void
lab_pass(struct lab *lab, uint64_t ns)
{
	assert_int_equal(epair_advance(lab->ep, ns), 0);
}

struct epair_link_stats
lab_link_stats(struct epair_if *ifp)
{
	struct epair_link_stats s = { .size = sizeof(s) };

	assert_int_equal(epair_if_get_link_stats(ifp, &s), 0);
	return s;
}

struct epair_if_stats
lab_stats(struct epair_if *ifp)
{
	struct epair_if_stats s = { .size = sizeof(s) };

	assert_int_equal(epair_if_get_stats(ifp, &s), 0);
	return s;
}
