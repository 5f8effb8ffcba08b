/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/multi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct ep_multi **
find(struct epair_if *ifp, const uint8_t mac[6])
{
	struct ep_multi **p = &ifp->multis;

	while (*p != NULL && memcmp((*p)->mac, mac, 6) != 0)
		p = &(*p)->next;
	return p;
}

int
ep_multi_add(struct epair_if *ifp, const uint8_t mac[6])
{
	struct ep_multi **p = find(ifp, mac), *multi = *p;

	if (!(mac[0] & 1))
		return -EINVAL;
	if (multi != NULL) {
		if (multi->count == UINT32_MAX)
			return -ENOBUFS;
		multi->count++;
		return 0;
	}
	if (ifp->multi_count == EP_MULTI_MAX)
		return -ENOBUFS;
	multi = malloc(sizeof(*multi));
	if (multi == NULL)
		return -ENOMEM;
	*multi = (struct ep_multi){ .count = 1 };
	memcpy(multi->mac, mac, 6);
	*p = multi;
	ifp->multi_count++;
	return 0;
}

int
ep_multi_del(struct epair_if *ifp, const uint8_t mac[6])
{
	struct ep_multi **p = find(ifp, mac), *multi = *p;

	if (!(mac[0] & 1))
		return -EINVAL;
	if (multi == NULL)
		return -ENOENT;
	if (--multi->count == 0) {
		*p = multi->next;
		free(multi);
		ifp->multi_count--;
	}
	return 0;
}

void
ep_multi_clear(struct epair_if *ifp)
{
	struct ep_multi *multi;

	while ((multi = ifp->multis) != NULL) {
		ifp->multis = multi->next;
		free(multi);
	}
	ifp->multi_count = 0;
}
