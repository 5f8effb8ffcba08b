/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api/open.c - an end of somebody else's cable: a pair of ours, whose other end
 * is plugged into that process by memif. So what the program has is an interface
 * like any other, and nothing else needs to know that it leads elsewhere.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <epair/attach.h>
#include <epair/if.h>

#include "base/error.h"
#include "base/sized.h"
#include "base/spec.h"

/* A path by itself, or memif's keys. */
static int
spec_of(const char *where, char *spec, size_t size, struct epair_err *err)
{
	bool is_path = *where == '/' || *where == '.' || *where == '@';
	int n = snprintf(
	    spec, size, "memif:%s%s", is_path ? "path=" : "", where);

	if (n < 0 || (size_t)n >= size)
		return ep_fail(err, -ENAMETOOLONG,
		    "where to open is %zu octets long; %zu are allowed",
		    strlen(where), size - sizeof("memif:path="));
	return 0;
}

int
epair_if_open(struct epair *ep, const char *where,
    const struct epair_create *how, struct epair_if **ifp,
    struct epair_err *err)
{
	struct epair_create full = { .size = sizeof(full) };
	char spec[EP_SPEC_TEXT_MAX];
	struct epair_if *a, *b;
	int error = spec_of(where, spec, sizeof(spec), err);

	if (error == 0)
		error = ep_sized_take(
		    &full, sizeof(full), how, "struct epair_create", err);
	if (error != 0)
		return error;
	full.size = sizeof(full);
	full.carrier = EPAIR_CARRIER_FOLLOW;
	error = epair_if_create(ep, NULL, "epair", &full, &a, err);
	if (error != 0)
		return error;
	b = epair_if_peer(a);
	error = epair_if_up(b);
	if (error == 0)
		error = epair_attach(b, spec, err);
	epair_if_put(b);
	if (error == 0) {
		*ifp = a;
		return 0;
	}
	(void)epair_if_destroy(a, NULL);
	epair_if_put(a);
	return error;
}
