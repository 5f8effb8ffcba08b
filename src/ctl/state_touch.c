/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is to be written anew: what a change is about, and what changed by
 * itself. A set has keys of the journal; that of a pair with the ends whose
 * attachment is another.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/state_priv.h"

static int
touch(json_t *set, const char *key, unsigned ends)
{
	json_int_t before = json_integer_value(json_object_get(set, key));

	return json_object_set_new(
		   set, key, json_integer(before | (json_int_t)ends)) == 0
		   ? 0
		   : -ENOMEM;
}

/* Ends as of an a end. */
static int
touch_if(json_t *set, struct epair_if *ifp, unsigned ends)
{
	struct epair_if_info info = { .size = sizeof(info) };
	char key[CTL_JOURNAL_KEY_MAX];

	if (ifp == NULL || epair_if_get_info(ifp, &info) != 0)
		return 0;
	ctl_image_key(&info, key, sizeof(key));
	return touch(set, key, info.side == 'b' ? ends << 1 : ends);
}

/* Of one that is in a vnet, wherever it was made. */
static int
touch_guest(void *arg, struct epair_if *ifp)
{
	struct ctl_state *s = arg;

	return touch_if(s->touched, ifp, CTL_END_A);
}

/* What the end of a vnet ends, and what it sends home. */
static int
touch_pairs(struct ctl_state *s, const char *vnet)
{
	size_t len = strlen(vnet);
	char name[CTL_JOURNAL_KEY_MAX];
	const char *key;
	json_t *index;

	json_object_foreach(s->world->pairs, key, index)
	{
		if (strncmp(key, vnet, len) != 0 || key[len] != '/')
			continue;
		(void)snprintf(name, sizeof(name), "pair/%s/%s", vnet,
		    key + len + 1 + strlen("epair"));
		if (touch(s->touched, name, 0) != 0)
			return -ENOMEM;
	}
	return ctl_world_each_if(s->world, vnet, touch_guest, s);
}

static int
touch_vnet(struct ctl_state *s, const char *vnet)
{
	char key[CTL_JOURNAL_KEY_MAX];

	(void)snprintf(key, sizeof(key), CTL_STATE_VNET "%s", vnet);
	return touch(s->touched, key, 0);
}

int
ctl_state_touch(struct ctl_state *s, const struct ctl_step *step)
{
	switch (step->op) {
	case CTL_OP_CREATE:
		return touch_if(s->touched, step->ifp, CTL_END_A | CTL_END_B);
	case CTL_OP_ATTACH:
	case CTL_OP_MOVE:
	case CTL_OP_DETACH:
		return touch_if(s->touched, step->ifp, CTL_END_A);
	case CTL_OP_VNET_ADD:
	case CTL_OP_VNET_SET:
		return touch_vnet(s, step->name);
	case CTL_OP_VNET_DEL:
		return touch_vnet(s, step->name) == 0
			   ? touch_pairs(s, step->name)
			   : -ENOMEM;
	case CTL_OP_SET:
		return touch_if(
		    s->touched, step->ifp, step->is_kept ? CTL_END_A : 0);
	case CTL_OP_DESTROY:
	case CTL_OP_MAX:
	default:
		return touch_if(s->touched, step->ifp, 0);
	}
}

void
ctl_state_stale(struct ctl_state *s, struct epair_if *ifp, unsigned ends)
{
	if (touch_if(s->stale, ifp, ends) != 0)
		s->is_all_stale = true;
	ctl_job_add(s->loop, &s->follow);
}

void
ctl_state_stale_touched(struct ctl_state *s)
{
	const char *key;
	json_t *ends;

	json_object_foreach(s->touched, key, ends)
	{
		if (touch(s->stale, key, (unsigned)json_integer_value(ends)) !=
		    0)
			s->is_all_stale = true;
	}
}

int
ctl_state_stale_all(struct ctl_state *s)
{
	int error = 0;
	const char *key;
	json_t *text;

	json_object_foreach(ctl_journal_all(s->journal), key, text)
	{
		if (error == 0 && strcmp(key, CTL_IMAGE_NUMBERS) != 0)
			error = touch(s->stale, key, CTL_END_A | CTL_END_B);
	}
	return error;
}
