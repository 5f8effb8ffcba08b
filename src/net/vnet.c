/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/vnet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "mbuf/account.h"
#include "net/event.h"

bool
ep_name_ok(const char *name)
{
	size_t len = strnlen(name, EPAIR_NAME_MAX);

	if (len == 0 || len >= EPAIR_NAME_MAX || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c <= ' ' || c == 0x7f || c == '/' || c == ':')
			return false;
	}
	return true;
}

/*
 * The vnet of that name. Until one that ends has ended the name is its own: of
 * it is still told.
 */
static struct epair_vnet *
find_any(struct epair *ep, const char *name) EP_REQUIRES(ep->lock)
{
	struct epair_vnet *vn;

	TAILQ_FOREACH(vn, &ep->vnets, link)
		if (strcmp(vn->name, name) == 0)
			return vn;
	return NULL;
}

struct epair_vnet *
ep_vnet_find(struct epair *ep, const char *name)
{
	struct epair_vnet *vn;

	if (name == NULL)
		return TAILQ_FIRST(&ep->vnets);
	vn = find_any(ep, name);
	return vn != NULL && !vn->ending ? vn : NULL;
}

static struct epair_vnet *
vnet_alloc(struct epair *ep, const char *kind)
{
	struct epair_vnet *vn = calloc(1, sizeof(*vn));

	if (vn == NULL)
		return NULL;
	vn->account = ep_account_create(
	    ep->pool, NULL, ep->opts.vnet_mbufs_max);
	if (kind != NULL)
		vn->kind = strdup(kind);
	if (vn->account != NULL && (kind == NULL || vn->kind != NULL))
		return vn;
	if (vn->account != NULL)
		ep_account_destroy(ep->pool, vn->account);
	free(vn->kind);
	free(vn);
	return NULL;
}

int
ep_vnet_create(struct epair *ep, const char *name, const char *kind,
    struct epair_vnet **vnp, struct epair_err *err)
{
	struct epair_vnet *vn;

	if (!ep_name_ok(name))
		return ep_fail(err, -EINVAL,
		    "'%.32s' is no name for a vnet: 1 to 15 octets without "
		    "'/', ':', space and control characters, not . or ..",
		    name);
	if (find_any(ep, name) != NULL)
		return ep_fail(
		    err, -EEXIST, "there is a vnet %s already", name);
	vn = vnet_alloc(ep, kind);
	if (vn == NULL)
		return ep_fail(err, -ENOMEM, "no memory for vnet %s", name);
	vn->ep = ep;
	vn->serial = ++ep->last_vnet;
	vn->netns = -1;
	vn->process = -1;
	strcpy(vn->name, name);
	ep_table_init(&vn->by_name);
	TAILQ_INIT(&vn->ifs);
	TAILQ_INIT(&vn->pairs);
	ep_cloner_init(&vn->cloner);
	TAILQ_INSERT_TAIL(&ep->vnets, vn, link);
	ep->vnet_count++;
	*vnp = vn;
	return 0;
}

void
ep_vnet_destroy(struct epair_vnet *vn)
{
	struct epair *ep = vn->ep;

	EP_ASSERT(TAILQ_EMPTY(&vn->ifs) && TAILQ_EMPTY(&vn->pairs));
	TAILQ_REMOVE(&ep->vnets, vn, link);
	ep->vnet_count--;
	ep_table_fini(&vn->by_name);
	ep_cloner_fini(&vn->cloner);
	ep_account_destroy(ep->pool, vn->account);
	if (vn->netns >= 0)
		(void)close(vn->netns);
	if (vn->process >= 0)
		(void)close(vn->process);
	free(vn->kind);
	free(vn);
}
