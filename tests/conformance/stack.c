/* SPDX-License-Identifier: BSD-2-Clause */
#include "stack.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
receive(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	struct end *end = arg;
	struct world *w = end->world;
	struct run run = { .ifp = end->name };

	(void)ifp;
	for (unsigned i = 0; i < n; i++) {
		run.first = run.last = (uint32_t)ms[i]->tstamp_ns;
		run.fib = ms[i]->fib;
		run.tags = epair_mbuf_tag_count(ms[i]);
		if (runs_put(&w->got, &run) < 0)
			w->error = "no memory";
		(void)world_pay(w, world_price(ms[i]->pktlen));
	}
	if (end->forward != NULL && w->error == NULL)
		(void)epair_if_transmit(end->forward->ifp, ms, n);
	else
		epair_mbuf_free(ms, n);
}

static const struct epair_stack stack = {
	.size = sizeof(stack),
	.receive = receive,
};

int
stack_add(struct world *w, struct epair_if *ifp)
{
	struct end *end = calloc(1, sizeof(*end));
	struct epair_if_info info = { .size = sizeof(info) };
	int error = -ENOMEM;

	if (end == NULL)
		goto put;
	end->world = w;
	end->ifp = ifp;
	error = epair_if_get_info(ifp, &info);
	if (error == 0)
		error = epair_attach_stack(ifp, &stack, end, NULL);
	if (error < 0)
		goto free_end;
	(void)snprintf(end->name.vnet, sizeof(end->name.vnet), "%s", info.vnet);
	(void)snprintf(end->name.name, sizeof(end->name.name), "%s", info.name);
	end->next = w->ends;
	w->ends = end;
	return 0;

free_end:
	free(end);
put:
	epair_if_put(ifp);
	return error;
}

/* What a move or its end did to one interface. */
static void
look_again(struct end *end)
{
	struct epair_if_info info = { .size = sizeof(info) };

	end->dead = epair_if_get_info(end->ifp, &info) < 0;
	if (end->dead)
		return;
	if (strcmp(end->name.vnet, info.vnet) != 0)
		end->forward = NULL; /* it was moved, or went home */
	(void)snprintf(end->name.vnet, sizeof(end->name.vnet), "%s", info.vnet);
	(void)snprintf(end->name.name, sizeof(end->name.name), "%s", info.name);
}

void
stack_look_again(struct world *w)
{
	struct end *end, **link;

	for (end = w->ends; end != NULL; end = end->next)
		look_again(end);
	for (end = w->ends; end != NULL; end = end->next)
		if (end->forward != NULL && end->forward->dead)
			end->forward = NULL;
	for (link = &w->ends; (end = *link) != NULL;) {
		if (!end->dead) {
			link = &end->next;
			continue;
		}
		*link = end->next;
		epair_if_put(end->ifp);
		free(end);
	}
}

struct end *
stack_find(struct world *w, const struct runs_if *name)
{
	struct end *end;

	for (end = w->ends; end != NULL; end = end->next)
		if (strcmp(end->name.vnet, name->vnet) == 0 &&
		    strcmp(end->name.name, name->name) == 0)
			break;
	return end;
}

void
stack_remove_all(struct world *w)
{
	struct end *end;

	while ((end = w->ends) != NULL) {
		w->ends = end->next;
		(void)epair_detach(end->ifp, NULL);
		epair_if_put(end->ifp);
		free(end);
	}
}
