/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api/state.c - what is written down, and made again.
 */
#include <epair/state.h>

#include <errno.h>

#include "attach/attach.h"
#include "base/atomic.h"
#include "base/error.h"
#include "base/sized.h"
#include "net/instance.h"
#include "pair/pair.h"

int
epair_get_numbers(struct epair *ep, struct epair_numbers *numbers)
{
	struct epair_numbers all = { .size = sizeof(all) };

	ep_lock(&ep->lock);
	all.host_id = ep->host_id;
	all.mac_counter = ep->mac_counter;
	all.last_place = ep->last_place;
	ep_unlock(&ep->lock);
	return ep_sized_give(numbers, &all, sizeof(all));
}

int
epair_set_numbers(struct epair *ep, const struct epair_numbers *numbers,
    struct epair_err *err)
{
	struct epair_numbers all = { .size = sizeof(all) };
	int error = ep_sized_take(
	    &all, sizeof(all), numbers, "struct epair_numbers", err);

	if (error == 0 && all.last_place > INT64_MAX)
		error = ep_fail(err, -EINVAL, "no list has such a place");
	if (error != 0)
		return error;
	ep_lock(&ep->lock);
	ep->host_id = all.host_id;
	ep->mac_counter = all.mac_counter;
	if (all.last_place > ep->last_place)
		ep->last_place = all.last_place;
	ep_unlock(&ep->lock);
	return 0;
}

int
epair_if_restore(struct epair *ep, const struct epair_if_info *a,
    const struct epair_if_info *b, struct epair_if **ap, struct epair_err *err)
{
	struct epair_if_info full[2] = { { .size = sizeof(full[0]) },
		{ .size = sizeof(full[1]) } };
	const struct epair_if_info *const ends[2] = { &full[0], &full[1] };
	struct epair_if *made;
	int error = ep_sized_take(
	    &full[0], sizeof(full[0]), a, "struct epair_if_info", err);

	if (error == 0)
		error = ep_sized_take(
		    &full[1], sizeof(full[1]), b, "struct epair_if_info", err);
	if (error == 0)
		error = ep_pair_restore(ep, ends, &made, err);
	if (error != 0)
		return error;
	if (ap != NULL)
		*ap = made;
	else
		ep_pair_put(made->pair);
	return 0;
}

int
epair_attach_fds(struct epair_if *ifp, const char *spec,
    const struct epair_fd *fds, unsigned count, struct epair_err *err)
{
	const struct ep_fds with = { .fds = fds, .count = count };

	if (count > EPAIR_ATTACH_FDS_MAX)
		return ep_fail(err, -EINVAL,
		    "%u descriptors: an attachment has at most %u", count,
		    EPAIR_ATTACH_FDS_MAX);
	return ep_attach(ifp, spec, &with, err);
}

int
epair_attach_get_fds(struct epair_if *ifp, struct epair_fd *fds, unsigned max)
{
	struct ep_stack *st;
	int count = 0;

	if (!ep_stack_hold(ifp, &st))
		return ep_load_relaxed(&ifp->dying) ? -ENXIO : -ENOENT;
	if (st->ops->get_fds != NULL)
		count = st->ops->get_fds(st, fds, max);
	ep_stack_put(st);
	return count;
}

int
epair_attach_needs(
    const char *spec, const char **names, unsigned max, struct epair_err *err)
{
	return ep_attach_needs(spec, names, max, err);
}

int
epair_attach_open(struct epair_if *ifp, const char *spec, struct epair_fd *fds,
    unsigned max, struct epair_err *err)
{
	return ep_attach_open(ifp, spec, fds, max, err);
}
