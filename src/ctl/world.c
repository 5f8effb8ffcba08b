/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/fail.h"

int
ctl_world_init(struct ctl_world *w, struct epair *ep, struct epair_err *err)
{
	struct ctl_vnet *vn = calloc(1, sizeof(*vn));
	int error = 0;

	*w = (struct ctl_world){
		.ep = ep,
		.pairs = json_object(),
		.waiting = json_object(),
		.handed = json_object(),
	};
	TAILQ_INIT(&w->vnets);
	if (vn == NULL || w->pairs == NULL || w->waiting == NULL ||
	    w->handed == NULL)
		error = ctl_fail(err, -ENOMEM, "no memory for the world");
	if (error == 0)
		error = ctl_scratch_init(&w->scratch, err);
	if (error != 0 || vn == NULL) {
		free(vn);
		json_decref(w->pairs);
		json_decref(w->waiting);
		json_decref(w->handed);
		return error;
	}
	strcpy(vn->name, "vnet0");
	TAILQ_INSERT_TAIL(&w->vnets, vn, link);
	return 0;
}

void
ctl_world_fini(struct ctl_world *w)
{
	struct ctl_vnet *vn;

	while ((vn = TAILQ_FIRST(&w->vnets)) != NULL) {
		TAILQ_REMOVE(&w->vnets, vn, link);
		free(vn->kind);
		free(vn);
	}
	json_decref(w->pairs);
	json_decref(w->waiting);
	json_decref(w->handed);
	ctl_scratch_fini(&w->scratch);
}

static const char *
index_key(struct epair_if *ifp, char key[16])
{
	struct epair_if_info info = { .size = sizeof(info) };

	(void)epair_if_get_info(ifp, &info);
	(void)snprintf(key, 16, "%u", info.index);
	return key;
}

bool
ctl_world_is_handed(const struct ctl_world *w, struct epair_if *ifp)
{
	char key[16];

	return json_object_get(w->handed, index_key(ifp, key)) != NULL;
}

int
ctl_world_set_handed(struct ctl_world *w, struct epair_if *ifp, bool is_handed)
{
	char key[16];

	(void)json_object_del(w->handed, index_key(ifp, key));
	if (!is_handed)
		return 0;
	return json_object_set_new(w->handed, key, json_true()) == 0 ? 0
								     : -ENOMEM;
}

struct ctl_vnet *
ctl_world_vnet(const struct ctl_world *w, const char *name)
{
	struct ctl_vnet *vn;

	TAILQ_FOREACH(vn, &w->vnets, link)
		if (strcmp(vn->name, name) == 0)
			break;
	return vn;
}

uint32_t
ctl_vnet_pairs(const struct ctl_world *w, const struct ctl_vnet *vn)
{
	struct epair_vnet_info info = { .size = sizeof(info) };

	(void)epair_vnet_get_info(w->ep, vn->name, &info);
	return info.pairs;
}

bool
ctl_vnet_may(const struct ctl_vnet *vn, const struct ctl_who *who)
{
	return who->is_admin || (vn->is_owned && vn->owner == who->uid);
}

bool
ctl_world_may(
    const struct ctl_world *w, const struct ctl_who *who, const char *vnet)
{
	const struct ctl_vnet *vn;

	if (who->is_admin)
		return true;
	vn = ctl_world_vnet(w, vnet);
	return vn != NULL && ctl_vnet_may(vn, who);
}

/* The only one that is theirs, or NULL. */
static struct ctl_vnet *
only_vnet(const struct ctl_world *w, const struct ctl_who *who)
{
	struct ctl_vnet *vn, *found = NULL;

	TAILQ_FOREACH(vn, &w->vnets, link) {
		if (!ctl_vnet_may(vn, who))
			continue;
		if (found != NULL)
			return NULL;
		found = vn;
	}
	return found;
}

int
ctl_world_find_vnet(const struct ctl_world *w, const struct ctl_who *who,
    const char *name, struct ctl_vnet **vn, struct epair_err *err)
{
	*vn = ctl_world_vnet(w, name != NULL ? name : "vnet0");
	if (*vn != NULL && ctl_vnet_may(*vn, who))
		return 0;
	*vn = name == NULL ? only_vnet(w, who) : NULL;
	if (*vn != NULL)
		return 0;
	if (name == NULL)
		return ctl_fail(err, -ENOENT,
		    "no vnet was named, and none or more than one is yours");
	return ctl_fail(err, -ENOENT, "there is no vnet %.32s%s", name,
	    who->is_admin ? "" : " of yours");
}

/* Look for a bare name: in vnet0 first, then in all. */
static int
find_bare(const struct ctl_world *w, const struct ctl_who *who,
    const char *name, struct epair_if **ifp, struct epair_err *err)
{
	const struct ctl_vnet *vn, *where = NULL;
	struct epair_if *found;

	*ifp = NULL;
	TAILQ_FOREACH(vn, &w->vnets, link) {
		if (!ctl_vnet_may(vn, who) ||
		    epair_if_get(w->ep, vn->name, name, &found, NULL) != 0)
			continue;
		if (*ifp == NULL) {
			*ifp = found;
			where = vn;
			if (strcmp(vn->name, "vnet0") == 0)
				break;
			continue;
		}
		epair_if_put(found);
		epair_if_put(*ifp);
		return ctl_fail(err, -EINVAL,
		    "%.32s is in several vnets; write %s/%.32s or %s/%.32s",
		    name, where->name, name, vn->name, name);
	}
	if (*ifp != NULL)
		return 0;
	return ctl_fail(err, -ENXIO, "there is no interface %.32s", name);
}

int
ctl_world_find_if(const struct ctl_world *w, const struct ctl_who *who,
    const char *text, struct epair_if **ifp, struct epair_err *err)
{
	const char *slash = strchr(text, '/');
	char vnet[EPAIR_NAME_MAX];
	struct ctl_vnet *vn;
	int error;

	if (slash == NULL)
		return find_bare(w, who, text, ifp, err);
	if ((size_t)(slash - text) >= sizeof(vnet))
		return ctl_fail(
		    err, -ENOENT, "%.40s: there is no such vnet", text);
	(void)snprintf(vnet, sizeof(vnet), "%.*s", (int)(slash - text), text);
	error = ctl_world_find_vnet(w, who, vnet, &vn, err);
	if (error != 0)
		return error;
	return epair_if_get(w->ep, vn->name, slash + 1, ifp, err);
}

struct epair_if *
ctl_world_pair(const struct ctl_world *w, const char *home, const char *name)
{
	char key[2 * EPAIR_NAME_MAX];
	struct epair_if *ifp;
	json_t *index;

	(void)snprintf(key, sizeof(key), "%.15s/%.15s", home, name);
	index = json_object_get(w->pairs, key);
	if (index == NULL ||
	    epair_if_get_index(
		w->ep, (uint32_t)json_integer_value(index), &ifp) != 0)
		return NULL;
	return ifp;
}

int
ctl_world_each_if(const struct ctl_world *w, const char *vnet,
    int (*fn)(void *arg, struct epair_if *ifp), void *arg)
{
	int count = epair_if_list(w->ep, vnet, NULL, 0), error = 0;
	char(*names)[EPAIR_NAME_MAX];
	struct epair_if *ifp;

	if (count <= 0)
		return 0;
	names = calloc((size_t)count, sizeof(*names));
	if (names == NULL)
		return -ENOMEM;
	/* Only this thread makes and destroys pairs: there are no more now. */
	count = epair_if_list(w->ep, vnet, names, (size_t)count);
	for (int i = 0; i < count && error == 0; i++) {
		if (epair_if_get(w->ep, vnet, names[i], &ifp, NULL) != 0)
			continue;
		error = fn(arg, ifp);
		epair_if_put(ifp);
	}
	free(names);
	return error;
}
