/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/fail.h"
#include "ctl/handed.h"
#include "ctl/wanted.h"

static const char *
text_of(struct ctl_change *c, const char *key)
{
	return json_string_value(json_object_get(c->params, key));
}

static int
no_memory(struct epair_err *err)
{
	return ctl_fail(err, -ENOMEM, "no memory to plan a change");
}

/* A step for an interface that there is, whose reference it takes. */
static int
add_for(struct ctl_change *c, struct epair_if *ifp, enum ctl_op op,
    const char *name, const char *value, struct epair_err *err)
{
	struct ctl_step *s = ctl_plan_add(&c->steps, op, name, value);

	if (s == NULL) {
		epair_if_put(ifp);
		return no_memory(err);
	}
	s->ifp = ifp;
	return 0;
}

/* The interface that the params name; a reference. */
static int
named_if(struct ctl_world *w, struct ctl_change *c, struct epair_if **ifp,
    struct epair_err *err)
{
	return ctl_world_find_if(w, &c->who, text_of(c, "if"), ifp, err);
}

CTL_PLAN(create)
{
	return ctl_want_pair(w, c, c->params, true, err);
}

CTL_PLAN(apply)
{
	json_t *want;
	size_t i;
	int error = 0;

	json_array_foreach(json_object_get(c->params, "vnets"), i, want)
	{
		error = ctl_want_vnet(w, c, want, false, err);
		if (error != 0)
			return error;
	}
	json_array_foreach(json_object_get(c->params, "pairs"), i, want)
	{
		error = ctl_want_pair(w, c, want, false, err);
		if (error != 0)
			break;
	}
	return error;
}

CTL_PLAN(destroy)
{
	struct epair_if_info info = { .size = sizeof(info) };
	struct epair_if *ifp = NULL;
	int error = named_if(w, c, &ifp, err);

	if (error != 0)
		return error;
	error = epair_if_get_info(ifp, &info);
	if (error == 0 && !ctl_world_may(w, &c->who, info.home)) {
		epair_if_put(ifp);
		return ctl_fail(err, -EPERM,
		    "%s/%s: the pair was made in a vnet that is not yours",
		    info.vnet, info.name);
	}
	return add_for(c, ifp, CTL_OP_DESTROY, NULL, NULL, err);
}

/* Takes the descriptors that came along. */
CTL_PLAN(attach)
{
	const char *spec = text_of(c, "spec");
	struct ctl_handed handed;
	struct epair_if *ifp = NULL;
	int error = ctl_change_take_fds(
	    c, json_object_get(c->params, "fds"), &handed, err);

	if (error == 0)
		error = ctl_handed_may(&c->who, spec, &handed, err);
	if (error == 0)
		error = named_if(w, c, &ifp, err);
	if (error == 0)
		error = add_for(c, ifp, CTL_OP_ATTACH, NULL, spec, err);
	if (error == 0)
		c->steps.steps[c->steps.count - 1].handed = handed;
	else
		ctl_handed_fini(&handed);
	return error;
}

CTL_PLAN(detach)
{
	struct epair_if *ifp = NULL;
	int error = named_if(w, c, &ifp, err);

	if (error != 0)
		return error;
	return add_for(c, ifp, CTL_OP_DETACH, NULL, NULL, err);
}

CTL_PLAN(move)
{
	struct epair_if *ifp = NULL;
	struct ctl_vnet *vn;
	int error = named_if(w, c, &ifp, err);

	if (error != 0)
		return error;
	error = ctl_world_find_vnet(w, &c->who, text_of(c, "vnet"), &vn, err);
	if (error != 0) {
		epair_if_put(ifp);
		return error;
	}
	return add_for(c, ifp, CTL_OP_MOVE, NULL, vn->name, err);
}

/* Takes the descriptors that came along, for a link. */
CTL_PLAN(set)
{
	json_t *words = json_object_get(c->params, "words"), *value;
	struct epair_if *ifp = NULL;
	struct ctl_handed handed;
	char text[CTL_VALUE_MAX];
	const char *word;
	int error = ctl_change_take_fds(
	    c, json_object_get(c->params, "fds"), &handed, err);

	if (error == 0)
		error = named_if(w, c, &ifp, err);
	json_object_foreach(words, word, value)
	{
		if (error != 0)
			break;
		error = ctl_want_value(word, value, text, err);
		if (error == 0)
			error = add_for(c, epair_if_ref(ifp), CTL_OP_SET, word,
			    json_is_null(value) ? NULL : text, err);
		if (error == 0)
			error = ctl_want_set(c, word, text, &handed, err);
	}
	if (error == 0 && handed.count > 0)
		error = ctl_fail(err, -EINVAL,
		    "fds: only a link takes descriptors, and none is set");
	ctl_handed_fini(&handed);
	epair_if_put(ifp);
	return error;
}

CTL_PLAN(vnet_add)
{
	return ctl_want_vnet(w, c, c->params, true, err);
}

CTL_PLAN(vnet_set)
{
	if (ctl_world_vnet(w, text_of(c, "name")) == NULL)
		return ctl_fail(
		    err, -ENOENT, "there is no vnet %.32s", text_of(c, "name"));
	return ctl_want_vnet(w, c, c->params, false, err);
}

CTL_PLAN(vnet_del)
{
	const char *name = text_of(c, "name");

	if (ctl_world_vnet(w, name) == NULL)
		return ctl_fail(err, -ENOENT, "there is no vnet %.32s", name);
	if (strcmp(name, "vnet0") == 0)
		return ctl_fail(err, -EBUSY, "vnet0 cannot be ended");
	if (ctl_plan_add(&c->steps, CTL_OP_VNET_DEL, name, NULL) == NULL)
		return no_memory(err);
	return 0;
}
