/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing down what there is (ctl/state.h): the store of changes, and following
 * what changes by itself.
 */
#include "ctl/state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "ctl/codec.h"
#include "ctl/fail.h"
#include "ctl/state_priv.h"

#define STEP_ROOM ((size_t)4096) /* on the disk, for each step of a change */

/* Until what could not be done is tried again: the first time, and at most. */
#define PAUSE_NS     UINT64_C(250000000)
#define PAUSE_NS_MAX UINT64_C(16000000000)

void
ctl_state_log(const struct ctl_state *s, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (s->log != NULL)
		s->log(text);
}

static int
no_memory(struct epair_err *err)
{
	return ctl_fail(err, -ENOMEM, "no memory for the state");
}

/* A change of the journal, and of what is kept. */
struct writing {
	struct ctl_state *s;
	json_t *new_ends; /* objects whose tokens were put for it */
	json_t *old_ends; /* objects whose tokens nobody will name */
};

/* Set a key to the text of an object, which it takes, if it has another. */
static int
write_object(struct ctl_state *s, const char *key, json_t *object)
{
	size_t len;
	char *text = ctl_dump(object, &len);
	const char *before = ctl_journal_get(s->journal, key);

	json_decref(object);
	if (text == NULL)
		return -ENOMEM;
	if (before == NULL || strcmp(text, before) != 0)
		ctl_journal_set(s->journal, key, text);
	free(text);
	return 0;
}

/* What an end has that is to be kept: its attachment's, then its link's. */
static int
get_fds(struct epair_if *ifp, struct ctl_kept *kept)
{
	int n = epair_attach_get_fds(ifp, kept->fds, EPAIR_ATTACH_FDS_MAX);

	kept->count = n > 0 ? (unsigned)n : 0;
	if (n < 0 && n != -ENOENT && n != -ENXIO)
		return n;
	n = epair_if_get_link_fds(
	    ifp, kept->fds + kept->count, EPAIR_LINK_FDS_MAX);
	kept->count += n > 0 ? (unsigned)n : 0;
	return n < 0 && n != -ENXIO ? n : 0;
}

static int
put_end(struct writing *w, struct epair_if *ifp, struct ctl_kept *kept,
    struct epair_err *err)
{
	struct ctl_keep *keep = w->s->keep;
	int error = get_fds(ifp, kept);

	if (error != 0)
		error = ctl_fail(err, error, "cannot keep its descriptors: %s",
		    strerrordesc_np(-error));
	else if (kept->count > 0) {
		ctl_kept_token(kept->token);
		error = keep->ops->put(keep, kept, err);
	}
	for (unsigned i = 0; i < kept->count; i++) {
		(void)close(kept->fds[i].fd);
		kept->fds[i].fd = -1;
	}
	return error;
}

static json_t *
waiting_of(const struct ctl_state *s, uint32_t index)
{
	char key[16];

	(void)snprintf(key, sizeof(key), "%u", index);
	return json_object_get(s->world->waiting, key);
}

static void
forget_waiting(struct ctl_state *s, uint32_t index)
{
	char key[16];

	(void)snprintf(key, sizeof(key), "%u", index);
	(void)json_object_del(s->world->waiting, key);
}

/* What is attached by now waits no longer, nor what a vnet left behind gave. */
static json_t *
still_waiting(struct ctl_state *s, struct epair_if *ifp, bool is_other)
{
	struct epair_if_info info = { .size = sizeof(info) };
	json_t *waiting;

	if (epair_if_get_info(ifp, &info) != 0)
		return NULL;
	waiting = waiting_of(s, info.index);
	if (waiting == NULL || (info.attachment[0] == '\0' &&
				   (!is_other || !json_is_true(json_object_get(
						     waiting, "by-vnet")))))
		return waiting;
	forget_waiting(s, info.index);
	return NULL;
}

/* The object of an end; is_other: its attachment is not the one in `old`. */
static int
write_end(struct writing *w, struct epair_if *ifp, json_t *old, bool is_other,
    json_t **object, struct epair_err *err)
{
	struct epair_if_info info;
	struct ctl_kept kept = { .count = 0 };
	json_t *waiting = still_waiting(w->s, ifp, is_other);
	int error = 0;

	if (!is_other)
		ctl_image_kept(old, &kept);
	else if (old != NULL && json_array_append(w->old_ends, old) != 0)
		error = -ENOMEM;
	else
		error = put_end(w, ifp, &kept, err);
	if (error != 0)
		return error;
	*object = ctl_image_end(
	    ifp, waiting, ctl_world_is_handed(w->s->world, ifp), &kept, &info);
	if (!is_other || kept.count == 0)
		return *object != NULL ? 0 : -ENOMEM;
	/* A NULL is not appended. */
	if (json_array_append(w->new_ends, *object) == 0)
		return 0;
	w->s->keep->ops->drop(w->s->keep, &kept);
	return -ENOMEM;
}

/* The a end of a pair by its key in the journal, or NULL if it is no more. */
static struct epair_if *
find_pair(const struct ctl_state *s, const char *key)
{
	char home[EPAIR_NAME_MAX], name[EPAIR_NAME_MAX];
	int unit = 0;

	if (sscanf(key, "pair/%15[^/]/%n", home, &unit) != 1 || unit == 0)
		return NULL;
	(void)snprintf(name, sizeof(name), "epair%s", key + unit);
	return ctl_world_pair(s->world, home, name);
}

static int
write_end_of_pair(struct writing *w, const char *key, json_t *old)
{
	static const char *const sides[] = { "a", "b" };

	for (int i = 0; i < 2; i++) {
		json_t *end = json_object_get(old, sides[i]);

		forget_waiting(w->s, (uint32_t)json_integer_value(
					 json_object_get(end, "index")));
		if (end != NULL && json_array_append(w->old_ends, end) != 0)
			return -ENOMEM;
	}
	ctl_journal_del(w->s->journal, key);
	return 0;
}

static int
write_ends(struct writing *w, const char *key, struct epair_if *a, json_t *old,
    unsigned ends, struct epair_err *err)
{
	struct epair_if *b = epair_if_peer(a);
	json_t *end_a = NULL, *end_b = NULL;
	int error = write_end(w, a, json_object_get(old, "a"),
	    old == NULL || (ends & CTL_END_A) != 0, &end_a, err);

	if (error == 0)
		error = write_end(w, b, json_object_get(old, "b"),
		    old == NULL || (ends & CTL_END_B) != 0, &end_b, err);
	if (error == 0)
		error = write_object(
		    w->s, key, json_pack("{s:O, s:O}", "a", end_a, "b", end_b));
	json_decref(end_a);
	json_decref(end_b);
	epair_if_put(b);
	return error;
}

static int
write_pair(
    struct writing *w, const char *key, unsigned ends, struct epair_err *err)
{
	const char *before = ctl_journal_get(w->s->journal, key);
	json_t *old = before != NULL ? json_loads(before, 0, NULL) : NULL;
	struct epair_if *a;
	int error;

	/* It is ours, and can be read. */
	if (before != NULL && old == NULL)
		return -ENOMEM;
	a = find_pair(w->s, key);
	if (a == NULL) {
		error = write_end_of_pair(w, key, old);
	} else {
		error = write_ends(w, key, a, old, ends, err);
		epair_if_put(a);
	}
	json_decref(old);
	return error;
}

static int
write_vnet(struct ctl_state *s, const char *key)
{
	const struct ctl_vnet *vn = ctl_world_vnet(
	    s->world, key + strlen(CTL_STATE_VNET));

	if (vn != NULL)
		return write_object(s, key, ctl_image_vnet(vn, json_object()));
	ctl_journal_del(s->journal, key);
	return 0;
}

static void
drop_all(struct ctl_state *s, json_t *ends)
{
	struct ctl_kept kept;
	json_t *end;
	size_t i;

	json_array_foreach(ends, i, end)
	{
		ctl_image_kept(end, &kept);
		if (kept.count > 0)
			s->keep->ops->drop(s->keep, &kept);
	}
}

static bool
is_vnet(const char *key)
{
	return strncmp(key, CTL_STATE_VNET, strlen(CTL_STATE_VNET)) == 0;
}

/* Write down what a set names. */
static int
write_all(struct ctl_state *s, json_t *set, struct epair_err *err)
{
	struct writing w = { s, json_array(), json_array() };
	const char *key;
	json_t *ends;
	int error = 0;

	json_object_foreach(set, key, ends)
	{
		if (error != 0)
			break;
		error = is_vnet(key)
			    ? write_vnet(s, key)
			    : write_pair(&w, key,
				  (unsigned)json_integer_value(ends), err);
	}
	if (error == 0)
		error = write_object(
		    s, CTL_IMAGE_NUMBERS, ctl_image_numbers(s->world->ep));
	if (error == -ENOMEM)
		(void)no_memory(err);
	if (error == 0)
		error = ctl_journal_commit(s->journal, err);
	else
		ctl_journal_abandon(s->journal);
	drop_all(s, error == 0 ? w.old_ends : w.new_ends);
	json_decref(w.new_ends);
	json_decref(w.old_ends);
	return error;
}

/* The store. */

static struct ctl_state *
state_of(struct ctl_store *store)
{
	return (struct ctl_state *)(void *)store;
}

static void
end_change(struct ctl_state *s)
{
	s->is_busy = false;
	(void)json_object_clear(s->touched);
	if (s->is_all_stale || json_object_size(s->stale) > 0)
		ctl_job_add(s->loop, &s->follow);
}

static int
touch_all(
    struct ctl_state *s, const struct ctl_change *c, struct epair_err *err)
{
	for (size_t i = 0; i < c->steps.count; i++)
		if (ctl_state_touch(s, &c->steps.steps[i]) != 0)
			return no_memory(err);
	return 0;
}

static int
intend(
    struct ctl_store *store, const struct ctl_change *c, struct epair_err *err)
{
	struct ctl_state *s = state_of(store);
	int error = ctl_journal_reserve(
	    s->journal, (c->steps.count + 4) * STEP_ROOM, err);

	if (error != 0)
		return error;
	s->is_busy = true;
	error = touch_all(s, c, err);
	if (error != 0)
		end_change(s);
	return error;
}

/* Interfaces that it has made are known by now. */
static int
commit(
    struct ctl_store *store, const struct ctl_change *c, struct epair_err *err)
{
	struct ctl_state *s = state_of(store);
	int error = touch_all(s, c, err);

	if (error == 0)
		error = write_all(s, s->touched, err);
	if (error == 0)
		end_change(s);
	return error;
}

void
ctl_state_hold(struct ctl_state *s, bool hold)
{
	if (hold)
		s->is_busy = true;
	else if (s->is_busy)
		end_change(s);
}

/* What was taken back may be attached anew, by other descriptors. */
static void
abandon(struct ctl_store *store, const struct ctl_change *c)
{
	struct ctl_state *s = state_of(store);

	(void)c;
	ctl_state_stale_touched(s);
	end_change(s);
}

/* What changes by itself. */

/* What is wrong may pass: it is told once, and tried less and less often. */
static void
put_off(struct ctl_state *s, const char *why)
{
	if (s->pause_ns == 0)
		ctl_state_log(s, "state: %s; it is tried again", why);
	s->pause_ns = s->pause_ns == 0 ? PAUSE_NS : s->pause_ns * 2;
	if (s->pause_ns > PAUSE_NS_MAX)
		s->pause_ns = PAUSE_NS_MAX;
	ctl_timer_set(s->loop, &s->pause, s->pause_ns);
}

static void
follow(struct ctl_job *job)
{
	struct ctl_state *s = EP_CONTAINER_OF(job, struct ctl_state, follow);
	struct epair_err err;
	int error;

	/* What is half done is no state; its end comes back to us. */
	if (s->is_busy)
		return;
	if (s->is_all_stale && ctl_state_stale_all(s) != 0)
		error = no_memory(&err);
	else
		error = write_all(s, s->stale, &err);
	if (error != 0) {
		put_off(s, err.text);
		return;
	}
	if (s->pause_ns != 0)
		ctl_state_log(s, "state: it is written again");
	ctl_timer_cancel(s->loop, &s->pause);
	s->pause_ns = 0;
	s->is_all_stale = false;
	(void)json_object_clear(s->stale);
}

/* Is it one that no change of ours made? */
static bool
is_loss(const struct epair_event *ev)
{
	return ev->type == EPAIR_EVENT_DETACH &&
	       strcmp(ev->detail, "asked to") != 0;
}

static void
on_event(struct ctl_watch *w, uint32_t events)
{
	struct ctl_state *s = EP_CONTAINER_OF(w, struct ctl_state, events);
	struct epair_event ev;
	struct epair_if *ifp;

	(void)events;
	while (epair_event_next(s->sub, &ev) == 1) {
		bool is_lost = is_loss(&ev);

		if (ev.missing > 0) {
			s->is_all_stale = true;
			ctl_job_add(s->loop, &s->follow);
		}
		if ((!is_lost && ev.type != EPAIR_EVENT_MTU &&
			ev.type != EPAIR_EVENT_ADDRESS) ||
		    epair_if_get_index(s->world->ep, ev.index, &ifp) != 0)
			continue;
		ctl_state_stale(s, ifp, is_lost ? CTL_END_A : 0);
		epair_if_put(ifp);
	}
}

static void go_on(struct ctl_timer *t);

/* The keeper went, and all that it kept: it is put once more. */
static void
on_keeper(struct ctl_watch *w, uint32_t events)
{
	struct ctl_state *s = EP_CONTAINER_OF(w, struct ctl_state, keeper);

	(void)events;
	ctl_watch_del(s->loop, w);
	s->has_keeper = false;
	s->is_all_stale = true;
	if (s->pause_ns != 0) {
		put_off(s, "it has gone once more");
		return;
	}
	ctl_state_log(s, "the keeper of descriptors has gone");
	go_on(&s->pause);
}

static int
watch_keeper(struct ctl_state *s, struct epair_err *err)
{
	int error = 0;

	s->keeper = (struct ctl_watch){ s->keep->fd, 0, on_keeper };
	if (s->keep->fd >= 0)
		error = ctl_watch_add(s->loop, &s->keeper);
	s->has_keeper = error == 0;
	return error == 0 ? 0 : ctl_fail(err, error, "cannot watch the keeper");
}

/* With what was put off. */
static void
go_on(struct ctl_timer *t)
{
	struct ctl_state *s = EP_CONTAINER_OF(t, struct ctl_state, pause);
	struct epair_err err;

	if (s->has_keeper || (s->keep->ops->again(s->keep, &err) == 0 &&
				 watch_keeper(s, &err) == 0))
		ctl_job_add(s->loop, &s->follow);
	else
		put_off(s, err.text);
}

/* Life. */

static int
begin_following(struct ctl_state *s, struct epair_err *err)
{
	int error = epair_subscribe(s->world->ep, 65536, &s->sub, err);

	if (error != 0)
		return error;
	s->events = (struct ctl_watch){ epair_event_fd(s->sub), EPOLLIN,
		on_event };
	error = ctl_watch_add(s->loop, &s->events);
	if (error == 0)
		return 0;
	epair_unsubscribe(s->sub);
	s->sub = NULL;
	return ctl_fail(err, error, "cannot watch events");
}

int
ctl_state_open(struct ctl_state *s, struct epair_err *err)
{
	int error;

	s->store = (struct ctl_store){ intend, commit, abandon };
	s->follow.run = follow;
	s->pause.fire = go_on;
	s->touched = json_object();
	s->stale = json_object();
	s->kept = json_object();
	s->lost = json_object();
	if (s->touched == NULL || s->stale == NULL || s->kept == NULL ||
	    s->lost == NULL)
		return no_memory(err);
	error = begin_following(s, err);
	if (error == 0)
		error = ctl_state_fetch(s, err);
	if (error == 0)
		error = ctl_state_restore(s, err);
	if (error == 0)
		error = ctl_state_attach_all(s, err);
	if (error == 0)
		error = watch_keeper(s, err);
	s->is_open = error == 0;
	return error;
}

void
ctl_state_close(struct ctl_state *s, bool forget)
{
	if (s->sub != NULL) {
		ctl_watch_del(s->loop, &s->events);
		epair_unsubscribe(s->sub);
	}
	if (s->has_keeper && s->keeper.fd >= 0)
		ctl_watch_del(s->loop, &s->keeper);
	ctl_job_cancel(s->loop, &s->follow);
	ctl_timer_cancel(s->loop, &s->retry);
	ctl_timer_cancel(s->loop, &s->pause);
	json_decref(s->touched);
	json_decref(s->stale);
	ctl_state_found_fini(s);
	json_decref(s->lost);
	ctl_journal_close(s->journal);
	if (s->keep != NULL) {
		if (forget)
			s->keep->ops->forget(s->keep);
		s->keep->ops->close(s->keep);
	}
}
