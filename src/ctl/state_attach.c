/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attachments that come back: by their descriptors, by their words as soon as
 * these can be followed, or not at all.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/codec.h"
#include "ctl/fail.h"
#include "ctl/state_priv.h"

/* How often what waits is tried; and how many at a time, since each may take
 * the main thread some milliseconds. */
#define RETRY_NS  UINT64_C(250000000)
#define RETRY_MAX 4

/* Retries until somebody may be watching again. */
#define TELL_AFTER 4

/* What the keeper has. */

struct fetch {
	struct ctl_state *s;
	int error;
};

static int
add_found(struct ctl_state *s, const struct ctl_kept *kept)
{
	struct ctl_found *all = reallocarray(
	    s->found, s->found_count + 1, sizeof(*s->found));

	if (all == NULL)
		return -ENOMEM;
	s->found = all;
	if (!ctl_put(
		s->kept, kept->token, json_integer((json_int_t)s->found_count)))
		return -ENOMEM;
	all[s->found_count++] = (struct ctl_found){ .kept = *kept };
	return 0;
}

static void
found(void *arg, struct ctl_kept *kept)
{
	struct fetch *f = arg;

	if (f->error == 0)
		f->error = add_found(f->s, kept);
	if (f->error != 0)
		ctl_kept_close(kept);
}

int
ctl_state_fetch(struct ctl_state *s, struct epair_err *err)
{
	struct fetch f = { s, 0 };
	int error = s->keep->ops->fetch(s->keep, found, &f, err);

	if (error == 0 && f.error != 0)
		error = ctl_fail(err, f.error, "no memory for what was kept");
	return error;
}

void
ctl_state_found_fini(struct ctl_state *s)
{
	for (size_t i = 0; i < s->found_count; i++)
		ctl_kept_close(&s->found[i].kept);
	free(s->found);
	s->found = NULL;
	s->found_count = 0;
	json_decref(s->kept);
	s->kept = NULL;
}

static struct ctl_found *
find(const struct ctl_state *s, const char *token)
{
	json_t *at = json_object_get(s->kept, token);

	return at != NULL ? &s->found[json_integer_value(at)] : NULL;
}

/* Those that nobody claimed are of a change that did not come to be (Z2). */
static void
drop_unclaimed(struct ctl_state *s)
{
	for (size_t i = 0; i < s->found_count; i++) {
		struct ctl_kept *kept = &s->found[i].kept;

		if (!find(s, kept->token)->is_claimed)
			s->keep->ops->drop(s->keep, kept);
	}
}

/* Whether an end has been attached by what was kept for it. */
static bool
is_claimed(const struct ctl_state *s, const struct ctl_image_end *end)
{
	const struct ctl_found *f = find(s, end->kept.token);

	return ctl_kept_attached(&end->kept) > 0 && f != NULL && f->is_claimed;
}

struct ctl_found *
ctl_state_find(struct ctl_state *s, const struct ctl_image_end *end)
{
	struct ctl_found *f = find(s, end->kept.token);

	if (end->kept.count == 0 || f == NULL || f->is_claimed)
		return NULL;
	for (unsigned i = 0; i < f->kept.count; i++)
		if (f->kept.fds[i].name == NULL)
			return NULL;
	return f->kept.count == end->kept.count ? f : NULL;
}

/* One end. */

static int
attach_by_words(struct epair_if *ifp, const char *attach, bool by_vnet,
    struct epair_err *err)
{
	return by_vnet ? epair_attach_fds(ifp, NULL, NULL, 0, err)
		       : epair_attach(ifp, attach, err);
}

static int
wait_for(struct ctl_state *s, const struct epair_if_info *info,
    const char *attach, bool by_vnet, const struct epair_err *why)
{
	json_t *object = json_pack("{s:s}", "attach", attach);
	bool is_whole = !by_vnet || ctl_put(object, "by-vnet", json_true());
	char key[16];

	(void)snprintf(key, sizeof(key), "%u", info->index);
	if (!ctl_put(s->world->waiting, key, ctl_whole(object, is_whole)))
		return -ENOMEM;
	ctl_state_log(s, "%s/%s waits for %s: %s", info->vnet, info->name,
	    attach, why->text);
	return 0;
}

int
ctl_state_give_up(struct ctl_state *s, struct epair_if *ifp, const char *what,
    const char *why)
{
	struct epair_if_info info = { .size = sizeof(info) };
	char key[16];

	(void)epair_if_get_info(ifp, &info);
	ctl_state_log(
	    s, "%s/%s has lost %s: %s", info.vnet, info.name, what, why);
	ctl_state_stale(s, ifp, CTL_END_A);
	(void)snprintf(key, sizeof(key), "%u", info.index);
	return ctl_put(s->lost, key, ctl_text(why)) ? 0 : -ENOMEM;
}

static int
attach_by_found(struct ctl_state *s, struct epair_if *ifp,
    const struct ctl_image_end *end, struct ctl_found *f)
{
	struct epair_err err;
	int error = epair_attach_fds(ifp, end->by_vnet ? NULL : end->attach,
	    f->kept.fds, ctl_kept_attached(&end->kept), &err);

	if (error == 0 &&
	    ctl_world_set_handed(s->world, ifp, end->is_handed) != 0) {
		(void)epair_detach(ifp, NULL);
		return -ENOMEM;
	}
	if (error != 0)
		return ctl_state_give_up(s, ifp, end->attach, err.text);
	f->is_claimed = true;
	return 0;
}

static int
attach_end(
    struct ctl_state *s, struct epair_if *ifp, const struct ctl_image_end *end)
{
	bool is_kept = ctl_kept_attached(&end->kept) > 0;
	struct ctl_found *f = is_kept ? ctl_state_find(s, end) : NULL;
	struct epair_err err;

	if (f != NULL)
		return attach_by_found(s, ifp, end, f);
	if (end->is_handed)
		return ctl_state_give_up(
		    s, ifp, end->attach, "it was handed over");
	if (ctl_image_is_by_process(end->attach))
		return ctl_state_give_up(s, ifp, end->attach,
		    "another process may have that number by now");
	if (attach_by_words(ifp, end->attach, end->by_vnet, &err) != 0)
		return wait_for(
		    s, &end->ifc.info, end->attach, end->by_vnet, &err);
	ctl_state_stale(s, ifp, CTL_END_A);
	return 0;
}

/* Can it be held by the daemon before us, too? A TAP can: each frame is read by
 * one of us. */
static bool
is_shared(struct ctl_state *s, const struct ctl_image_end *end)
{
	const struct ctl_found *f = ctl_state_find(s, end);

	return f != NULL && strcmp(f->kept.fds[0].name, "queue") == 0;
}

/* Those that can be shared, or those that cannot. */
static int
attach_pair(
    struct ctl_state *s, json_t *object, struct ctl_image_end *end, bool shared)
{
	static const char *const sides[] = { "a", "b" };
	struct epair_if *ifp;
	int error = 0;

	for (int i = 0; i < 2 && error == 0; i++) {
		/* It has been read before. */
		error = ctl_image_read_end(
		    json_object_get(object, sides[i]), end, NULL);
		if (error != 0 || *end->attach == '\0' || is_claimed(s, end) ||
		    (shared && !is_shared(s, end)) ||
		    epair_if_get_index(
			s->world->ep, end->ifc.info.index, &ifp) != 0)
			continue;
		error = attach_end(s, ifp, end);
		epair_if_put(ifp);
	}
	return error;
}

static int
attach_pairs(struct ctl_state *s, struct ctl_image_end *end, bool shared)
{
	int error = 0;
	const char *key;
	json_t *text;

	json_object_foreach(ctl_journal_all(s->journal), key, text)
	{
		json_t *object;

		if (error != 0 || strncmp(key, "pair/", 5) != 0)
			continue;
		object = json_loads(json_string_value(text), 0, NULL);
		error = object != NULL ? attach_pair(s, object, end, shared)
				       : -ENOMEM;
		json_decref(object);
	}
	return error;
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
		ctl_state_stale(s, ifp, CTL_END_A);
	}
	epair_if_put(ifp);
}

/* A few, in turn: the next ones are those behind them. */
static void
retry_some(struct ctl_state *s)
{
	json_t *all = s->world->waiting;
	size_t count = json_object_size(all);

	if (count > RETRY_MAX)
		count = RETRY_MAX;
	for (; count > 0; count--) {
		void *at = json_object_iter_at(all, s->next);
		char key[sizeof(s->next)];
		json_t *waiting;

		if (at == NULL)
			at = json_object_iter(all);
		(void)snprintf(
		    key, sizeof(key), "%s", json_object_iter_key(at));
		waiting = json_incref(json_object_iter_value(at));
		at = json_object_iter_next(all, at);
		(void)snprintf(s->next, sizeof(s->next), "%s",
		    at != NULL ? json_object_iter_key(at) : "");
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

int
ctl_state_attach_all(struct ctl_state *s, struct epair_err *err)
{
	/* Too large for a stack. */
	struct ctl_image_end *end = calloc(1, sizeof(*end));
	int error = end == NULL ? -ENOMEM : 0, refused = 0;

	if (error == 0 && s->alone != NULL) {
		error = attach_pairs(s, end, true);
		if (error == 0)
			refused = s->alone(s->alone_arg, err);
	}
	if (error == 0 && refused == 0)
		error = attach_pairs(s, end, false);
	free(end);
	if (refused != 0)
		return refused;
	if (error != 0)
		return ctl_fail(err, error, "no memory for what was attached");
	drop_unclaimed(s);
	ctl_state_found_fini(s);
	s->retry.fire = retry;
	if (json_object_size(s->world->waiting) > 0 ||
	    json_object_size(s->lost) > 0)
		ctl_timer_set(s->loop, &s->retry, RETRY_NS);
	return 0;
}
