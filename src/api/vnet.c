/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <epair/vnet.h>

#include "attach/attach.h"
#include "base/atomic.h"
#include "base/error.h"
#include "base/sized.h"
#include "mbuf/account.h"
#include "net/event.h"
#include "net/vnet.h"
#include "pair/pair.h"

int
epair_vnet_add(
    struct epair *ep, const char *name, const char *kind, struct epair_err *err)
{
	struct epair_vnet *vn;
	int error = kind != NULL ? ep_attach_check(kind, err) : 0;

	if (error != 0)
		return error;
	ep_lock(&ep->lock);
	error = ep_vnet_create(ep, name, kind, &vn, err);
	if (error == 0)
		ep_event_vnet(ep, EPAIR_EVENT_VNET_ADD, name);
	ep_unlock(&ep->lock);
	return error;
}

/* It is home, whatever becomes of what it gets there. */
static void
attach_at_home(struct epair_if *ifp)
{
	(void)ep_attach_by_vnet(ifp, NULL);
}

int
epair_vnet_del(struct epair *ep, const char *name, struct epair_err *err)
{
	return ep_pair_end_vnet(ep, name, attach_at_home, err);
}

int
epair_vnet_set_limit(struct epair *ep, const char *name, unsigned mbufs_max,
    struct epair_err *err)
{
	struct epair_vnet *vn;
	int error = 0;

	ep_lock(&ep->lock);
	vn = ep_vnet_find(ep, name);
	if (vn == NULL)
		error = ep_fail(err, -ENOENT, "there is no vnet %.32s", name);
	else
		ep_store_relaxed(&vn->account->limit,
		    mbufs_max != 0 ? mbufs_max : UINT32_MAX);
	ep_unlock(&ep->lock);
	return error;
}

int
epair_vnet_get_info(
    struct epair *ep, const char *name, struct epair_vnet_info *info)
{
	struct epair_vnet_info all = { .size = sizeof(all) };
	const struct epair_vnet *vn;
	const struct ep_pair *pair;

	ep_lock(&ep->lock);
	vn = ep_vnet_find(ep, name);
	if (vn != NULL) {
		all.mbufs_max = ep_load_relaxed(&vn->account->limit);
		all.interfaces = vn->if_count;
		TAILQ_FOREACH(pair, &vn->pairs, link)
			all.pairs++;
	}
	ep_unlock(&ep->lock);
	return vn == NULL ? -ENOENT : ep_sized_give(info, &all, sizeof(all));
}

int
epair_vnet_get_kind(struct epair *ep, const char *name, char *buf, size_t size)
{
	const struct epair_vnet *vn;
	int len = -ENOENT;

	ep_lock(&ep->lock);
	vn = ep_vnet_find(ep, name);
	if (vn != NULL)
		len = snprintf(
		    buf, size, "%s", vn->kind != NULL ? vn->kind : "");
	ep_unlock(&ep->lock);
	return len;
}

int
epair_vnet_get_netns(struct epair *ep, const char *name)
{
	const struct epair_vnet *vn;
	int fd = -ENOENT;

	ep_lock(&ep->lock);
	vn = ep_vnet_find(ep, name);
	if (vn != NULL && vn->netns < 0)
		fd = -ENXIO;
	else if (vn != NULL)
		fd = fcntl(vn->netns, F_DUPFD_CLOEXEC, 0);
	if (fd == -1)
		fd = -errno;
	ep_unlock(&ep->lock);
	return fd;
}

int
epair_vnet_list(struct epair *ep, char (*names)[EPAIR_NAME_MAX], size_t max)
{
	struct epair_vnet *vn;
	size_t n = 0;

	ep_lock(&ep->lock);
	TAILQ_FOREACH(vn, &ep->vnets, link) {
		if (n < max)
			memcpy(names[n], vn->name, EPAIR_NAME_MAX);
		n++;
	}
	ep_unlock(&ep->lock);
	return (int)n;
}
