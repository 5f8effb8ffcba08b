/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/step.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/codec.h"
#include "ctl/fail.h"
#include "ctl/wanted.h"

struct op {
	const char *word;
	int (*make)(
	    struct ctl_world *w, struct ctl_step *s, struct epair_err *err);
	void (*undo)(struct ctl_world *w, struct ctl_step *s); /* or NULL */
};

static const struct op ops[CTL_OP_MAX];

struct ctl_step *
ctl_plan_add(
    struct ctl_plan *plan, enum ctl_op op, const char *name, const char *value)
{
	struct ctl_step *s;

	if (plan->count == plan->size) {
		size_t size = plan->size == 0 ? 8 : plan->size * 2;

		s = reallocarray(plan->steps, size, sizeof(*s));
		if (s == NULL)
			return NULL;
		plan->steps = s;
		plan->size = size;
	}
	s = &plan->steps[plan->count];
	*s = (struct ctl_step){ .op = op, .maker = -1 };
	if (name != NULL)
		s->name = strdup(name);
	if (value != NULL)
		s->value = strdup(value);
	if ((name != NULL && s->name == NULL) ||
	    (value != NULL && s->value == NULL)) {
		free(s->name);
		free(s->value);
		return NULL;
	}
	plan->count++;
	return s;
}

void
ctl_plan_drop(struct ctl_plan *plan)
{
	struct ctl_step *s = &plan->steps[--plan->count];

	free(s->name);
	free(s->value);
	free(s->before);
	free(s->before_qdisc);
	ctl_handed_fini(&s->handed);
	epair_if_put(s->ifp);
}

void
ctl_plan_fini(struct ctl_plan *plan)
{
	while (plan->count > 0)
		ctl_plan_drop(plan);
	free(plan->steps);
	*plan = (struct ctl_plan){ 0 };
}

static struct epair_if_info
look(struct epair_if *ifp)
{
	struct epair_if_info info = { .size = sizeof(info) };

	(void)epair_if_get_info(ifp, &info);
	return info;
}

/* Vnets. */

static int
vnet_add(struct ctl_world *w, struct ctl_step *s, struct epair_err *err)
{
	struct ctl_vnet *vn = calloc(1, sizeof(*vn));
	int error;

	if (vn == NULL)
		return ctl_fail(err, -ENOMEM, "no memory for vnet %s", s->name);
	vn->kind = s->value != NULL ? strdup(s->value) : NULL;
	error = epair_vnet_add(w->ep, s->name, s->value, err);
	if (error != 0) {
		free(vn->kind);
		free(vn);
		return error;
	}
	(void)snprintf(vn->name, sizeof(vn->name), "%s", s->name);
	vn->is_owned = s->is_owned;
	vn->owner = s->owner;
	vn->pairs_max = s->pairs_max;
	vn->serial = ++w->last_vnet;
	TAILQ_INSERT_TAIL(&w->vnets, vn, link);
	return 0;
}

/* Pairs of a vnet that ends are forgotten with it. */
static void
forget_pairs(struct ctl_world *w, const char *home)
{
	size_t len = strlen(home);
	const char *key;
	json_t *index;
	void *next;

	json_object_foreach_safe(w->pairs, next, key,
	    index) if (strncmp(key, home, len) == 0 && key[len] == '/')(void)
	    json_object_del(w->pairs, key);
}

static int
vnet_del(struct ctl_world *w, struct ctl_step *s, struct epair_err *err)
{
	struct ctl_vnet *vn = ctl_world_vnet(w, s->name);
	int error = epair_vnet_del(w->ep, s->name, err);

	if (error != 0 || vn == NULL)
		return error;
	forget_pairs(w, vn->name);
	TAILQ_REMOVE(&w->vnets, vn, link);
	free(vn->kind);
	free(vn);
	return 0;
}

static void
undo_vnet_add(struct ctl_world *w, struct ctl_step *s)
{
	(void)vnet_del(w, s, NULL);
}

/* Exchanges what is set with what the step holds: doing it twice undoes it. */
static int
vnet_set(struct ctl_world *w, struct ctl_step *s, struct epair_err *err)
{
	struct ctl_vnet *vn = ctl_world_vnet(w, s->name);
	struct ctl_vnet old;

	if (vn == NULL)
		return ctl_fail(
		    err, -ENOENT, "there is no vnet %.32s", s->name);
	old = *vn;
	vn->is_owned = s->is_owned;
	vn->owner = s->owner;
	vn->pairs_max = s->pairs_max;
	s->is_owned = old.is_owned;
	s->owner = old.owner;
	s->pairs_max = old.pairs_max;
	return 0;
}

static void
undo_vnet_set(struct ctl_world *w, struct ctl_step *s)
{
	(void)vnet_set(w, s, NULL);
}

/* Pairs. */

static int
create(struct ctl_world *w, struct ctl_step *s, struct epair_err *err)
{
	struct epair_create how = { .size = sizeof(how),
		.mac_policy = s->mac_policy };
	struct ctl_vnet *vn = ctl_world_vnet(w, s->value);
	char key[64];
	struct epair_if_info info;
	int error;

	if (vn == NULL)
		return ctl_fail(
		    err, -ENOENT, "there is no vnet %.32s", s->value);
	if (vn->pairs_max != 0 && ctl_vnet_pairs(w, vn) >= vn->pairs_max)
		return ctl_fail(err, -EDQUOT,
		    "vnet %s has its %u pairs; more it may not have", vn->name,
		    vn->pairs_max);
	error = epair_if_create(w->ep, vn->name, s->name, &how, &s->ifp, err);
	if (error != 0)
		return error;
	info = look(s->ifp);
	(void)snprintf(key, sizeof(key), "%s/epair%u", vn->name, info.unit);
	if (json_object_set_new(w->pairs, key, json_integer(info.index)) != 0) {
		(void)epair_if_destroy(s->ifp, NULL);
		return ctl_fail(err, -ENOMEM, "no memory for %s", key);
	}
	return 0;
}

static int
destroy(struct ctl_world *w, struct ctl_step *s, struct epair_err *err)
{
	struct epair_if_info info = look(s->ifp);
	char key[64];
	int error = epair_if_destroy(s->ifp, err);

	if (error != 0)
		return error;
	(void)snprintf(key, sizeof(key), "%s/epair%u", info.home, info.unit);
	(void)json_object_del(w->pairs, key);
	return 0;
}

static void
undo_create(struct ctl_world *w, struct ctl_step *s)
{
	(void)destroy(w, s, NULL);
}

/* Ends. */

static int
move(struct ctl_world *w, struct ctl_step *s, struct epair_err *err)
{
	struct epair_if_info info = look(s->ifp);
	char qdisc[CTL_VALUE_MAX] = "";
	struct epair_err why;
	int error;

	(void)w;
	s->before = strdup(info.vnet);
	(void)epair_if_get_qdisc(s->ifp, qdisc, sizeof(qdisc));
	s->before_qdisc = strdup(qdisc);
	s->was_up = (info.flags & EPAIR_IFF_UP) != 0;
	if (s->before == NULL || s->before_qdisc == NULL)
		return ctl_fail(err, -ENOMEM, "no memory to move it");
	error = epair_if_move(s->ifp, s->value, err);
	if (error == 0)
		return 0;
	/* It has moved all the same if what it gets there was at fault. */
	info = look(s->ifp);
	if (strcmp(info.vnet, s->before) != 0)
		(void)epair_if_move(s->ifp, s->before, &why);
	return error;
}

static void
undo_move(struct ctl_world *w, struct ctl_step *s)
{
	(void)w;
	(void)epair_if_move(s->ifp, s->before, NULL);
	if (*s->before_qdisc != '\0')
		(void)epair_if_set_qdisc(s->ifp, s->before_qdisc, NULL);
	if (s->was_up)
		(void)epair_if_up(s->ifp);
}

/* What was handed over for a link is exchanged for what it had. */
static int
set_link(struct ctl_step *s, struct epair_err *err)
{
	struct ctl_handed had;
	int error = ctl_handed_of_link(&had, s->ifp);

	if (error != 0)
		return ctl_fail(err, error, "cannot hold its link's files: %s",
		    strerrordesc_np(-error));
	error = epair_if_set_link_fds(s->ifp, s->value != NULL ? s->value : "",
	    s->handed.fds, s->handed.count, err);
	if (error != 0) {
		ctl_handed_fini(&had);
		return error;
	}
	s->is_kept = s->handed.count > 0 || had.count > 0;
	ctl_handed_fini(&s->handed);
	s->handed = had;
	return 0;
}

static int
set(struct ctl_world *w, struct ctl_step *s, struct epair_err *err)
{
	char before[CTL_VALUE_MAX];
	int error = epair_if_get_word(
	    s->ifp, s->name, before, sizeof(before), err);

	(void)w;
	if (error < 0)
		return error;
	s->before = strdup(before);
	if (s->before == NULL)
		return ctl_fail(err, -ENOMEM, "no memory to set %s", s->name);
	if (strcmp(s->name, "link") == 0)
		return set_link(s, err);
	return epair_if_set(s->ifp, s->name, s->value, err);
}

static void
undo_set(struct ctl_world *w, struct ctl_step *s)
{
	(void)w;
	if (strcmp(s->name, "link") != 0) {
		(void)epair_if_set(s->ifp, s->name, s->before, NULL);
		return;
	}
	/* It is changed word by word: what it had not must go. */
	(void)epair_if_set_link(s->ifp, "none", NULL);
	(void)epair_if_set_link_fds(
	    s->ifp, s->before, s->handed.fds, s->handed.count, NULL);
}

static int
attach(struct ctl_world *w, struct ctl_step *s, struct epair_err *err)
{
	bool is_handed = s->handed.count > 0;
	int error = epair_attach_fds(
	    s->ifp, s->value, s->handed.fds, s->handed.count, err);

	if (error == 0 && ctl_world_set_handed(w, s->ifp, is_handed) != 0) {
		(void)epair_detach(s->ifp, NULL);
		error = ctl_fail(
		    err, -ENOMEM, "no memory to attach '%.64s'", s->value);
	}
	return error;
}

static int
detach(struct ctl_world *w, struct ctl_step *s, struct epair_err *err)
{
	char before[CTL_SPEC_MAX] = "";

	(void)epair_if_get_attachment(s->ifp, before, sizeof(before));
	s->before = strdup(before);
	if (s->before == NULL)
		return ctl_fail(err, -ENOMEM, "no memory to detach it");
	s->was_handed = ctl_world_is_handed(w, s->ifp);
	/* What has none, or too many, is not to be had again. */
	if (s->was_handed)
		(void)ctl_handed_of(&s->handed, s->ifp);
	return epair_detach(s->ifp, err);
}

static void
undo_attach(struct ctl_world *w, struct ctl_step *s)
{
	(void)w;
	(void)epair_detach(s->ifp, NULL);
}

/* By words would be to open for a stranger what those name. */
static void
undo_detach(struct ctl_world *w, struct ctl_step *s)
{
	if (s->was_handed && s->handed.count == 0)
		return;
	free(s->value);
	s->value = s->before;
	s->before = NULL;
	(void)attach(w, s, NULL);
}

static const struct op ops[CTL_OP_MAX] = {
	[CTL_OP_VNET_ADD] = { "vnet-add", vnet_add, undo_vnet_add },
	[CTL_OP_VNET_SET] = { "vnet-set", vnet_set, undo_vnet_set },
	[CTL_OP_VNET_DEL] = { "vnet-del", vnet_del, NULL },
	[CTL_OP_CREATE] = { "create", create, undo_create },
	[CTL_OP_DESTROY] = { "destroy", destroy, NULL },
	[CTL_OP_MOVE] = { "move", move, undo_move },
	[CTL_OP_SET] = { "set", set, undo_set },
	[CTL_OP_ATTACH] = { "attach", attach, undo_attach },
	[CTL_OP_DETACH] = { "detach", detach, undo_detach },
};

/* An end of a pair that is made by now. */
static void
find_end(struct ctl_plan *plan, struct ctl_step *s)
{
	struct epair_if *a;

	if (s->ifp != NULL || s->maker < 0)
		return;
	a = plan->steps[s->maker].ifp;
	s->ifp = s->side == 'a' ? epair_if_ref(a) : epair_if_peer(a);
}

int
ctl_step_do(
    struct ctl_world *w, struct ctl_plan *plan, size_t i, struct epair_err *err)
{
	struct ctl_step *s = &plan->steps[i];

	find_end(plan, s);
	return ops[s->op].make(w, s, err);
}

void
ctl_step_undo(struct ctl_world *w, struct ctl_plan *plan, size_t i)
{
	struct ctl_step *s = &plan->steps[i];

	if (ops[s->op].undo != NULL)
		ops[s->op].undo(w, s);
}

bool
ctl_step_is_settled(const struct ctl_step *s)
{
	struct epair_if *peer;
	bool is_settled;

	if (s->ifp == NULL)
		return true;
	/* UP of one end may be the link of the other. */
	peer = epair_if_peer(s->ifp);
	is_settled = epair_if_settled(s->ifp) != 0 &&
		     epair_if_settled(peer) != 0;
	epair_if_put(peer);
	return is_settled;
}

/* What it concerns, as one would write it. */
static json_t *
encode_if(const struct ctl_plan *plan, const struct ctl_step *s)
{
	struct epair_if_info info;

	if (s->ifp == NULL)
		return json_sprintf(
		    "%s.%c", plan->steps[s->maker].name, s->side);
	info = look(s->ifp);
	return json_sprintf("%s/%s", info.vnet, info.name);
}

json_t *
ctl_step_encode(const struct ctl_plan *plan, size_t i)
{
	const struct ctl_step *s = &plan->steps[i];
	json_t *object = json_pack("{s:s}", "op", ops[s->op].word);
	bool is_whole = true;

	if (s->op != CTL_OP_CREATE && (s->maker >= 0 || s->ifp != NULL))
		is_whole &= ctl_put(object, "if", encode_if(plan, s));
	if (s->name != NULL)
		is_whole &= ctl_put(object, "name", ctl_text(s->name));
	if (s->value != NULL)
		is_whole &= ctl_put(object, "value", ctl_text(s->value));
	if (s->is_owned)
		is_whole &= ctl_put(object, "owner", json_integer(s->owner));
	if (s->pairs_max != 0)
		is_whole &= ctl_put(
		    object, "max_pairs", json_integer(s->pairs_max));
	return ctl_whole(object, is_whole);
}
