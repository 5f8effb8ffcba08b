/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening and closing a capture with a reference to its interface. The rest of
 * <epair/capture.h> is in capture/.
 */
#include <epair/capture.h>
#include <epair/if.h>

#include "capture/capture.h"
#include "mbuf/filter.h"

int
epair_capture_open(struct epair_if *ifp, const struct epair_capture_opts *opts,
    struct epair_capture **cap, struct epair_err *err)
{
	int error = ep_capture_open(ifp, opts, cap, err);

	/* The caller's own reference was enough until here. */
	if (error == 0)
		(void)epair_if_ref(ifp);
	return error;
}

void
epair_capture_close(struct epair_capture *cap)
{
	struct epair_if *ifp;

	if (cap == NULL)
		return;
	ifp = cap->ifp;
	ep_capture_close(cap);
	epair_if_put(ifp);
}

int
epair_filter_check(const char *filter, struct epair_err *err)
{
	struct ep_filter f;
	int error = ep_filter_init(&f, filter, err);

	if (error == 0)
		ep_filter_fini(&f);
	return error;
}
