/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world from the journal. The journal is what a daemon wrote; all the same
 * it is a file, and what it says is checked by the calls that are made of it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/fail.h"
#include "ctl/state_priv.h"

/* An entry of the journal that cannot be: its key in front of the sentence. */
static int
fail_entry(const char *key, int error, struct epair_err *err)
{
	char why[EPAIR_ERR_TEXT_MAX];

	(void)snprintf(why, sizeof(why), "%s", err->text);
	return ctl_fail(err, error, "state: %s: %.180s", key, why);
}

static int
restore_vnet(struct ctl_state *s, const char *name, json_t *object,
    struct epair_err *err)
{
	const char *kind = json_string_value(json_object_get(object, "kind"));
	json_t *owner = json_object_get(object, "owner");
	struct ctl_plan plan = { .count = 0 };
	struct ctl_step *step;
	int error;

	if (!json_is_object(object))
		return ctl_fail(err, -EINVAL, "is no object");
	step = ctl_plan_add(&plan,
	    strcmp(name, "vnet0") == 0 ? CTL_OP_VNET_SET : CTL_OP_VNET_ADD,
	    name, kind);
	if (step == NULL) {
		ctl_plan_fini(&plan);
		return ctl_fail(err, -ENOMEM, "no memory");
	}
	step->is_owned = owner != NULL;
	step->owner = (uid_t)json_integer_value(owner);
	step->pairs_max = (uint32_t)json_integer_value(
	    json_object_get(object, "max-pairs"));
	error = ctl_step_do(s->world, &plan, 0, err);
	ctl_plan_fini(&plan);
	return error;
}

/*
 * Files that were handed over are read from what is kept of them, or not at
 * all: their names are somebody else's word.
 */
static int
restore_link(struct ctl_state *s, struct epair_if *ifp,
    const struct ctl_image_end *end, struct epair_err *err)
{
	unsigned attached = ctl_kept_attached(&end->kept);
	unsigned count = end->kept.count - attached;
	struct ctl_found *f;
	int error;

	if (count == 0)
		return epair_if_set_link(ifp, end->ifc.link, err);
	f = ctl_state_find(s, end);
	if (f == NULL)
		return ctl_state_give_up(
		    s, ifp, end->ifc.link, "its files were handed over");
	error = epair_if_set_link_fds(
	    ifp, end->ifc.link, f->kept.fds + attached, count, err);
	if (error == -ENOMEM)
		return error;
	if (error != 0)
		return ctl_state_give_up(s, ifp, end->ifc.link, err->text);
	/* Else it is for the attachment to say that it is claimed. */
	if (attached == 0)
		f->is_claimed = true;
	return 0;
}

/* A pair is there without, too: that is said. Returns 0 or -ENOMEM. */
static int
say(const struct ctl_state *s, const struct ctl_image_end *end,
    const char *what, const char *words, int error, const struct epair_err *err)
{
	if (error != 0 && error != -ENOMEM)
		ctl_state_log(s, "%s: %s %s: %s", end->ifc.info.name, what,
		    words, err->text);
	return error == -ENOMEM ? error : 0;
}

/* What a pair has beside what makes it. */
static int
restore_end(
    struct ctl_state *s, struct epair_if *ifp, const struct ctl_image_end *end)
{
	struct epair_err err;
	int error = 0;

	if (*end->qdisc != '\0')
		error = say(s, end, "discipline", end->qdisc,
		    epair_if_set_qdisc(ifp, end->qdisc, &err), &err);
	if (*end->ifc.link != '\0' && error == 0)
		error = say(s, end, "link", end->ifc.link,
		    restore_link(s, ifp, end, &err), &err);
	return error;
}

static int
restore_ends(struct ctl_state *s, const struct ctl_image_end *a,
    const struct ctl_image_end *b, struct epair_err *err)
{
	const struct epair_if_info *info = &a->ifc.info;
	char name[CTL_JOURNAL_KEY_MAX];
	struct epair_if *ifp, *peer;
	int error = epair_if_restore(
	    s->world->ep, info, &b->ifc.info, &ifp, err);

	if (error != 0)
		return error;
	(void)snprintf(
	    name, sizeof(name), "%s/epair%u", info->home, info->unit);
	if (json_object_set_new(
		s->world->pairs, name, json_integer(info->index)) != 0)
		error = -ENOMEM;
	peer = epair_if_peer(ifp);
	if (error == 0)
		error = restore_end(s, ifp, a);
	if (error == 0)
		error = restore_end(s, peer, b);
	epair_if_put(peer);
	epair_if_put(ifp);
	return error == 0 ? 0 : ctl_fail(err, error, "no memory");
}

static int
restore_pair(struct ctl_state *s, json_t *object, struct epair_err *err)
{
	/* Too large for a stack. */
	struct ctl_image_end *ends = calloc(2, sizeof(*ends));
	int error = 0;

	if (ends == NULL)
		return ctl_fail(err, -ENOMEM, "no memory");
	error = ctl_image_read_end(json_object_get(object, "a"), &ends[0], err);
	if (error == 0)
		error = ctl_image_read_end(
		    json_object_get(object, "b"), &ends[1], err);
	if (error == 0)
		error = restore_ends(s, &ends[0], &ends[1], err);
	free(ends);
	return error;
}

static int
restore_numbers(struct ctl_state *s, json_t *object, struct epair_err *err)
{
	struct epair_numbers numbers;
	int error = ctl_image_read_numbers(object, &numbers, err);

	if (error == 0)
		error = epair_set_numbers(s->world->ep, &numbers, err);
	return error;
}

/* Entries of one kind, in the order in which they came to be. */
static int
restore_all(struct ctl_state *s, const char *prefix, struct epair_err *err)
{
	size_t len = strlen(prefix);
	int error = 0;
	const char *key;
	json_t *text;

	json_object_foreach(ctl_journal_all(s->journal), key, text)
	{
		json_t *object;

		if (strncmp(key, prefix, len) != 0)
			continue;
		object = json_loads(json_string_value(text), 0, NULL);
		/* jansson does not tell it from a want of memory. */
		if (object == NULL)
			error = ctl_fail(err, -EINVAL, "is no JSON");
		else if (*prefix == 'v')
			error = restore_vnet(s, key + len, object, err);
		else if (*prefix == 'p')
			error = restore_pair(s, object, err);
		else
			error = restore_numbers(s, object, err);
		json_decref(object);
		if (error != 0)
			return fail_entry(key, error, err);
	}
	return 0;
}

int
ctl_state_restore(struct ctl_state *s, struct epair_err *err)
{
	struct epair_err own;
	int error;

	err = err != NULL ? err : &own;
	error = restore_all(s, CTL_IMAGE_NUMBERS, err);
	if (error == 0)
		error = restore_all(s, CTL_STATE_VNET, err);
	if (error == 0)
		error = restore_all(s, "pair/", err);
	return error;
}
