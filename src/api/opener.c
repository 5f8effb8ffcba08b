/* SPDX-License-Identifier: BSD-2-Clause */
#include <epair/instance.h>

#include "attach/opener.h"

int
epair_opener_start(struct epair *ep, struct epair_err *err)
{
	return ep_opener_start(ep, err);
}

int
epair_opener_start_keeper(struct epair *ep, int sock, struct epair_err *err)
{
	return ep_opener_start_keeper(ep, sock, err);
}
