/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attachments that come back: by their descriptors, by their words as soon as
 * these can be followed, or not at all.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/fail.h"
#include "ctl/state_priv.h"

/* How often what waits is tried; and how many at a time, since each may take
 * the main thread some milliseconds. */
#define RETRY_NS  UINT64_C(250000000)
#define RETRY_MAX 4

/* Retries until somebody may be watching again. */
#define TELL_AFTER 4

/* What the keeper has. */

static void
found(void *arg, struct ctl_kept *kept)
{
	struct ctl_state *s = arg;
	struct ctl_kept *copy = malloc(sizeof(*copy));
	struct ctl_kept **all = reallocarray(
	    s->found, s->found_count + 1, sizeof(struct ctl_kept *));

	if (all != NULL)
		s->found = all;
	if (copy == NULL || all == NULL ||
	    json_object_set_new(s->kept, kept->token,
		json_integer((json_int_t)s->found_count)) != 0) {
		free(copy);
		ctl_kept_close(kept);
		return;
	}
	*copy = *kept;
	s->found[s->found_count++] = copy;
}

int
ctl_state_fetch(struct ctl_state *s, struct epair_err *err)
{
	return s->keep->ops->fetch(s->keep, found, s, err);
}

/* Those that nobody claimed are of a change that did not come to be (Z2). */
static void
drop_unclaimed(struct ctl_state *s)
{
	for (size_t i = 0; i < s->found_count; i++) {
		struct ctl_kept *kept = s->found[i];
		bool is_claimed = json_is_null(
		    json_object_get(s->kept, kept->token));

		if (!is_claimed)
			s->keep->ops->drop(s->keep, kept);
		ctl_kept_close(kept);
		free(kept);
	}
	free(s->found);
	s->found = NULL;
	s->found_count = 0;
	(void)json_object_clear(s->kept);
}

/* Whether an end has been attached by what was kept for it. */
static bool
is_claimed(const struct ctl_state *s, const struct ctl_image_end *end)
{
	return ctl_kept_attached(&end->kept) > 0 &&
	       json_is_null(json_object_get(s->kept, end->kept.token));
}

struct ctl_kept *
ctl_state_claim(struct ctl_state *s, const struct ctl_image_end *end)
{
	json_t *at = json_object_get(s->kept, end->kept.token);
	struct ctl_kept *kept;

	if (end->kept.count == 0 || !json_is_integer(at))
		return NULL;
	kept = s->found[json_integer_value(at)];
	for (unsigned i = 0; i < kept->count; i++)
		if (kept->fds[i].name == NULL)
			return NULL;
	return kept->count == end->kept.count ? kept : NULL;
}

/* One end. */

static int
attach_by_words(struct epair_if *ifp, const char *attach, bool by_vnet,
    struct epair_err *err)
{
	return by_vnet ? epair_attach_fds(ifp, NULL, NULL, 0, err)
		       : epair_attach(ifp, attach, err);
}

static void
wait_for(struct ctl_state *s, const struct epair_if_info *info,
    const char *attach, bool by_vnet, const struct epair_err *why)
{
	json_t *object = json_pack("{s:s}", "attach", attach);
	char key[16];

	if (by_vnet)
		(void)json_object_set_new(object, "by-vnet", json_true());
	(void)snprintf(key, sizeof(key), "%u", info->index);
	(void)json_object_set_new(s->world->waiting, key, object);
	ctl_state_log(s, "%s/%s waits for %s: %s", info->vnet, info->name,
	    attach, why->text);
}

void
ctl_state_give_up(struct ctl_state *s, const struct epair_if_info *info,
    const char *what, const char *why)
{
	char key[16];

	ctl_state_log(
	    s, "%s/%s has lost %s: %s", info->vnet, info->name, what, why);
	(void)snprintf(key, sizeof(key), "%u", info->index);
	(void)json_object_set_new(s->lost, key, json_string(why));
	ctl_state_stale(s, info, CTL_END_A);
}

static void
attach_end(
    struct ctl_state *s, struct epair_if *ifp, const struct ctl_image_end *end)
{
	const struct epair_if_info *info = &end->ifc.info;
	unsigned count = ctl_kept_attached(&end->kept);
	struct ctl_kept *kept = count > 0 ? ctl_state_claim(s, end) : NULL;
	struct epair_err err;
	int error;

	if (kept != NULL) {
		error = epair_attach_fds(ifp, end->by_vnet ? NULL : end->attach,
		    kept->fds, count, &err);
		if (error == 0 &&
		    ctl_world_set_handed(s->world, ifp, end->is_handed) != 0) {
			(void)epair_detach(ifp, NULL);
			error = ctl_fail(&err, -ENOMEM, "no memory");
		}
		if (error != 0)
			ctl_state_give_up(s, info, end->attach, err.text);
		else
			(void)json_object_set_new(
			    s->kept, kept->token, json_null());
		return;
	}
	if (end->is_handed) {
		ctl_state_give_up(s, info, end->attach, "it was handed over");
		return;
	}
	if (ctl_image_is_by_process(end->attach)) {
		ctl_state_give_up(s, info, end->attach,
		    "another process may have that number by now");
		return;
	}
	error = attach_by_words(ifp, end->attach, end->by_vnet, &err);
	if (error != 0)
		wait_for(s, info, end->attach, end->by_vnet, &err);
	else
		ctl_state_stale(s, info, CTL_END_A);
}

/* Can it be held by the daemon before us, too? A TAP can: each frame is read by
 * one of us. */
static bool
is_shared(struct ctl_state *s, const struct ctl_image_end *end)
{
	const struct ctl_kept *kept = ctl_state_claim(s, end);

	return kept != NULL && strcmp(kept->fds[0].name, "queue") == 0;
}

/* Those that can be shared, or those that cannot. */
static void
attach_pair(
    struct ctl_state *s, json_t *object, struct ctl_image_end *end, bool shared)
{
	static const char *const sides[] = { "a", "b" };
	struct epair_if *ifp;

	for (int i = 0; i < 2; i++) {
		if (ctl_image_read_end(
			json_object_get(object, sides[i]), end, NULL) != 0 ||
		    *end->attach == '\0' || is_claimed(s, end) ||
		    (shared && !is_shared(s, end)) ||
		    epair_if_get_index(
			s->world->ep, end->ifc.info.index, &ifp) != 0)
			continue;
		attach_end(s, ifp, end);
		epair_if_put(ifp);
	}
}

static void
attach_pairs(struct ctl_state *s, struct ctl_image_end *end, bool shared)
{
	const char *key;
	json_t *text;

	json_object_foreach(ctl_journal_all(s->journal), key,
	    text) if (strncmp(key, "pair/", 5) == 0)
	{
		json_t *object = json_loads(json_string_value(text), 0, NULL);

		attach_pair(s, object, end, shared);
		json_decref(object);
	}
}

/* Trying again. */

static void
retry_one(struct ctl_state *s, const char *index, json_t *waiting)
{
	struct epair_if_info info = { .size = sizeof(info) };
	struct epair_if *ifp;
	int error = epair_if_get_index(
	    s->world->ep, (uint32_t)strtoul(index, NULL, 10), &ifp);

	if (error != 0) {
		(void)json_object_del(s->world->waiting, index);
		return;
	}
	error = attach_by_words(ifp,
	    json_string_value(json_object_get(waiting, "attach")),
	    json_is_true(json_object_get(waiting, "by-vnet")), NULL);
	if ((error == 0 || error == -EBUSY) &&
	    epair_if_get_info(ifp, &info) == 0) {
		ctl_state_log(s, "%s/%s is attached", info.vnet, info.name);
		(void)json_object_del(s->world->waiting, index);
		ctl_state_stale(s, &info, CTL_END_A);
	}
	epair_if_put(ifp);
}

/* The first few, which go behind the others. */
static void
retry_some(struct ctl_state *s)
{
	for (int i = 0; i < RETRY_MAX; i++) {
		void *first = json_object_iter(s->world->waiting);
		const char *index;
		char key[16];
		json_t *waiting;

		if (first == NULL ||
		    (size_t)i >= json_object_size(s->world->waiting))
			return;
		index = json_object_iter_key(first);
		(void)snprintf(key, sizeof(key), "%s", index);
		waiting = json_incref(json_object_iter_value(first));
		(void)json_object_del(s->world->waiting, key);
		(void)json_object_set(s->world->waiting, key, waiting);
		retry_one(s, key, waiting);
		json_decref(waiting);
	}
}

static void
tell_lost(struct ctl_state *s)
{
	const char *index;
	json_t *why;
	struct epair_if *ifp;

	json_object_foreach(s->lost, index,
	    why) if (epair_if_get_index(s->world->ep,
			 (uint32_t)strtoul(index, NULL, 10), &ifp) == 0)
	{
		epair_if_tell(ifp, json_string_value(why));
		epair_if_put(ifp);
	}
	(void)json_object_clear(s->lost);
}

static void
retry(struct ctl_timer *t)
{
	struct ctl_state *s = EP_CONTAINER_OF(t, struct ctl_state, retry);

	if (++s->retries >= TELL_AFTER)
		tell_lost(s);
	if (!s->is_busy)
		retry_some(s);
	if (json_object_size(s->world->waiting) > 0 ||
	    json_object_size(s->lost) > 0)
		ctl_timer_set(s->loop, &s->retry, RETRY_NS);
}

void
ctl_state_attach_all(struct ctl_state *s)
{
	/* Too large for a stack. */
	struct ctl_image_end *end = calloc(1, sizeof(*end));

	if (end != NULL && s->alone != NULL)
		attach_pairs(s, end, true);
	if (s->alone != NULL)
		s->alone(s->alone_arg);
	if (end != NULL)
		attach_pairs(s, end, false);
	free(end);
	drop_unclaimed(s);
	s->retry.fire = retry;
	if (json_object_size(s->world->waiting) > 0 ||
	    json_object_size(s->lost) > 0)
		ctl_timer_set(s->loop, &s->retry, RETRY_NS);
}
