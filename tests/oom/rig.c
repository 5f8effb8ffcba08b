/* SPDX-License-Identifier: BSD-2-Clause */
#include "rig.h"

static void
list_all(struct epair *ep, char list[512])
{
	char names[16][EPAIR_NAME_MAX], vnets[8][EPAIR_NAME_MAX];
	int n = epair_vnet_list(ep, vnets, 8);
	size_t len = 0;

	for (int v = 0; v < n; v++) {
		int count = epair_if_list(ep, vnets[v], names, 16);

		len += (size_t)snprintf(list + len, 512 - len, "%s:", vnets[v]);
		for (int i = 0; i < count && i < 16; i++)
			len += (size_t)snprintf(
			    list + len, 512 - len, "%s ", names[i]);
	}
}

struct epair_if_info
rig_info(struct epair_if *ifp)
{
	struct epair_if_info info = { .size = sizeof(info) };

	assert_int_equal(epair_if_get_info(ifp, &info), 0);
	return info;
}

void
rig_look(struct rig *r)
{
	list_all(r->ep, r->list);
	r->usage = life_usage(r->ep);
	r->info = rig_info(r->b);
}

void
rig_same(void *arg)
{
	struct rig *r = arg, now = *r;

	rig_look(&now);
	/* It was moved there and back; the list tells the order. */
	now.info.place = r->info.place;
	assert_string_equal(now.list, r->list);
	assert_memory_equal(&now.usage, &r->usage, sizeof(now.usage));
	assert_memory_equal(&now.info, &r->info, sizeof(now.info));
	/* And it works. */
	assert_int_equal(life_send(r->a, life_frame(r->ep)), 0);
	assert_int_equal(epair_run(r->ep, 0), 0);
}

int
rig_setup(void **state)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.way = EPAIR_SIM,
		.queues = 2,
	};
	struct rig *r = calloc(1, sizeof(*r));

	CHECK(r != NULL);
	r->allocations = oom_allocations();
	r->descriptors = oom_descriptors();
	CHECK(epair_new(&opts, &r->ep, NULL) == 0);
	life_pair(r->ep, &r->a, &r->b);
	CHECK(epair_run(r->ep, 0) == 0);
	rig_look(r);
	*state = r;
	return 0;
}

int
rig_teardown(void **state)
{
	struct rig *r = *state;

	life_pair_end(r->a, r->b);
	assert_int_equal(epair_free(r->ep), 0);
	assert_int_equal(oom_allocations(), r->allocations);
	assert_int_equal(oom_descriptors(), r->descriptors);
	free(r);
	return 0;
}
