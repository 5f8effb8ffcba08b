/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include <epair/attach.h>

#include "attach/attach.h"
#include "base/atomic.h"
#include "base/sized.h"

int
epair_attach(struct epair_if *ifp, const char *spec, struct epair_err *err)
{
	return ep_attach(ifp, spec, NULL, err);
}

int
epair_detach(struct epair_if *ifp, struct epair_err *err)
{
	return ep_detach(ifp, "asked to", err);
}

const struct epair_kind *
epair_kind_at(unsigned i)
{
	for (unsigned k = 0; ep_kinds[k] != NULL; k++)
		if (k == i)
			return &ep_kinds[k]->pub;
	return NULL;
}

int
epair_attach_progress(struct epair_if *ifp, struct epair_progress *progress)
{
	struct epair_progress all = { .size = sizeof(all) };
	struct ep_stack *st;
	int error = ep_sized_give(progress, &all, sizeof(all));

	if (error != 0)
		return error;
	if (!ep_stack_hold(ifp, &st))
		return ep_load_relaxed(&ifp->dying) ? -ENXIO : -ENOENT;
	ep_attach_progress(st, &all);
	ep_stack_put(st);
	return ep_sized_give(progress, &all, sizeof(all));
}
