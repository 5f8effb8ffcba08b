/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests that only look: hello, show, vnets, metrics, daemon.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/codec_if.h"
#include "ctl/fail.h"
#include "ctl/method.h"
#include "ctl/metrics.h"

/* Interfaces of one answer: what a client reads without holding up others. */
#define PAGE_MAX 500u

int
ctl_do_hello(struct ctl_request *rq, json_t **result, struct epair_err *err)
{
	(void)err;
	*result = json_pack("{s:s,s:I,s:I,s:b}", "version", epair_version(),
	    "pid", (json_int_t)getpid(), "uid", (json_int_t)rq->conn->who.uid,
	    "admin", rq->conn->who.is_admin);
	return 0;
}

static json_t *
vnet_json(const struct ctl_world *w, const struct ctl_vnet *vn)
{
	json_t *object = json_pack("{s:s,s:I}", "name", vn->name, "pairs",
	    (json_int_t)ctl_vnet_pairs(w, vn));

	if (vn->kind != NULL)
		(void)json_object_set_new(
		    object, "kind", json_string(vn->kind));
	if (vn->is_owned)
		(void)json_object_set_new(
		    object, "owner", json_integer(vn->owner));
	if (vn->pairs_max != 0)
		(void)json_object_set_new(
		    object, "max-pairs", json_integer(vn->pairs_max));
	return object;
}

int
ctl_do_vnets(struct ctl_request *rq, json_t **result, struct epair_err *err)
{
	struct ctl_world *w = rq->conn->server->world;
	json_t *list = json_array();
	struct ctl_vnet *vn;

	(void)err;
	TAILQ_FOREACH(vn, &w->vnets, link)
		if (ctl_vnet_may(vn, &rq->conn->who))
			(void)json_array_append_new(list, vnet_json(w, vn));
	*result = json_pack("{s:o}", "vnets", list);
	return 0;
}

/*
 * The object of one, without what is not theirs to see, and its place in the
 * list; NULL if it is gone.
 */
static json_t *
if_json(struct ctl_request *rq, struct epair_if *ifp, uint64_t *place)
{
	struct epair_if_stats stats = { .size = sizeof(stats) };
	const struct ctl_world *w = rq->conn->server->world;
	struct epair_if_info info = { .size = sizeof(info) };
	bool with_stats = !json_is_false(json_object_get(rq->params, "stats"));
	char link[EPAIR_LINK_TEXT_MAX];

	if (epair_if_get_info(ifp, &info) != 0)
		return NULL;
	*place = info.place;
	if (!ctl_world_may(w, &rq->conn->who, info.peer_vnet)) {
		info.peer[0] = info.peer_vnet[0] = '\0';
		info.peer_index = 0;
	}
	if (!ctl_world_may(w, &rq->conn->who, info.home))
		info.home[0] = '\0';
	if (with_stats)
		(void)epair_if_get_stats(ifp, &stats);
	if (epair_if_get_link(ifp, link, sizeof(link)) < 0)
		link[0] = '\0';
	return ctl_if_encode(&info, with_stats ? &stats : NULL, link);
}

static int
show_one(struct ctl_request *rq, const char *name, json_t *list,
    struct epair_err *err)
{
	struct epair_if *ifp = NULL;
	uint64_t place;
	int error = ctl_world_find_if(
	    rq->conn->server->world, &rq->conn->who, name, &ifp, err);

	if (error == 0)
		(void)json_array_append_new(list, if_json(rq, ifp, &place));
	epair_if_put(ifp);
	return error;
}

/*
 * Append the interfaces of a vnet behind the place *after, up to a page, and say
 * in *after where the last one is. Returns whether there are no more.
 */
static bool
show_vnet(
    struct ctl_request *rq, const char *vnet, uint64_t *after, json_t *list)
{
	size_t room = PAGE_MAX - json_array_size(list);
	struct epair_if *ifps[PAGE_MAX];
	int count = epair_if_list_after(
	    rq->conn->server->world->ep, vnet, *after, ifps, room);

	for (int i = 0; i < count; i++) {
		(void)json_array_append_new(list, if_json(rq, ifps[i], after));
		epair_if_put(ifps[i]);
	}
	return count < (int)room;
}

/* Where to begin: the vnet, and behind which place of it. */
static int
parse_after(const char *after, char vnet[EPAIR_NAME_MAX], uint64_t *place,
    struct epair_err *err)
{
	const char *slash = strchr(after, '/');
	char *end;

	if (slash == NULL || slash - after >= EPAIR_NAME_MAX)
		return ctl_fail(err, -EINVAL, "after: is no `more` of ours");
	(void)snprintf(
	    vnet, EPAIR_NAME_MAX, "%.*s", (int)(slash - after), after);
	*place = strtoull(slash + 1, &end, 10);
	return 0;
}

/* All vnets, or one, from where the page before ended. */
static int
show_page(struct ctl_request *rq, const char *only, const char *after,
    json_t *answer, struct epair_err *err)
{
	json_t *list = json_object_get(answer, "interfaces");
	char from[EPAIR_NAME_MAX] = "";
	struct ctl_vnet *vn;
	uint64_t place = 0;
	int error = after != NULL ? parse_after(after, from, &place, err) : 0;

	if (error != 0)
		return error;
	TAILQ_FOREACH(vn, &rq->conn->server->world->vnets, link) {
		if (*from != '\0' && strcmp(vn->name, from) != 0)
			continue;
		*from = '\0';
		if (!ctl_vnet_may(vn, &rq->conn->who) ||
		    (only != NULL && strcmp(only, vn->name) != 0))
			continue;
		if (!show_vnet(rq, vn->name, &place, list)) {
			(void)json_object_set_new(answer, "more",
			    json_sprintf("%s/%" PRIu64, vn->name, place));
			break;
		}
		place = 0;
	}
	return 0;
}

int
ctl_do_show(struct ctl_request *rq, json_t **result, struct epair_err *err)
{
	const char *name = json_string_value(json_object_get(rq->params, "if"));
	const char *vnet = json_string_value(
	    json_object_get(rq->params, "vnet"));
	const char *after = json_string_value(
	    json_object_get(rq->params, "after"));
	json_t *answer = json_pack("{s:[]}", "interfaces");
	struct ctl_vnet *vn;
	int error = 0;

	if (vnet != NULL)
		error = ctl_world_find_vnet(
		    rq->conn->server->world, &rq->conn->who, vnet, &vn, err);
	if (error == 0 && name != NULL)
		error = show_one(
		    rq, name, json_object_get(answer, "interfaces"), err);
	else if (error == 0)
		error = show_page(rq, vnet, after, answer, err);
	if (error == 0)
		*result = answer;
	else
		json_decref(answer);
	return error;
}

int
ctl_do_metrics(struct ctl_request *rq, json_t **result, struct epair_err *err)
{
	bool is_open = json_is_true(json_object_get(rq->params, "openmetrics"));

	(void)result;
	rq->give_fd = ctl_metrics_open(rq->conn->server, &rq->conn->who,
	    is_open ? CTL_OPENMETRICS : CTL_PROMETHEUS);
	return rq->give_fd >= 0
		   ? 0
		   : ctl_fail(err, rq->give_fd, "no memory for the metrics");
}

int
ctl_do_netns(struct ctl_request *rq, json_t **result, struct epair_err *err)
{
	const struct ctl_world *w = rq->conn->server->world;
	struct ctl_vnet *vn;
	int error = ctl_world_find_vnet(w, &rq->conn->who,
	    json_string_value(json_object_get(rq->params, "name")), &vn, err);

	(void)result;
	if (error != 0)
		return error;
	rq->give_fd = epair_vnet_get_netns(w->ep, vn->name);
	if (rq->give_fd >= 0)
		return 0;
	return ctl_fail(err, rq->give_fd,
	    "vnet %s has no namespace of its own, which netns=new in its kind "
	    "makes for the first interface in it",
	    vn->name);
}

static json_t *
limits_json(const struct ctl_limits *l)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "connections",
	    (json_int_t)l->conns, "connections-user", (json_int_t)l->conns_user,
	    "line", (json_int_t)l->line, "line-admin",
	    (json_int_t)l->line_admin, "backlog", (json_int_t)l->backlog,
	    "requests", (json_int_t)l->requests, "streams",
	    (json_int_t)l->streams);
}

int
ctl_do_daemon(struct ctl_request *rq, json_t **result, struct epair_err *err)
{
	struct ctl_server *s = rq->conn->server;
	struct epair_usage u = { .size = sizeof(u) };
	json_t *ended = json_object();

	(void)err;
	(void)epair_get_usage(s->world->ep, &u);
	for (unsigned i = 0; i < CTL_END_MAX; i++)
		(void)json_object_set_new(ended, ctl_end_word(i),
		    json_integer((json_int_t)s->ended[i]));
	*result = json_pack(
	    "{s:s,s:I,s:{s:I,s:I,s:I,s:I,s:I},s:I,s:I,s:I,s:I,s:I,s:o,s:o}",
	    "version", epair_version(), "pid", (json_int_t)getpid(), "usage",
	    "mbufs", (json_int_t)u.mbufs, "pairs", (json_int_t)u.pairs,
	    "interfaces", (json_int_t)u.interfaces, "tasks-waiting",
	    (json_int_t)u.tasks_waiting, "vnets", (json_int_t)u.vnets,
	    "generation", (json_int_t)s->world->generation, "connections",
	    (json_int_t)s->conn_count, "accepted", (json_int_t)s->accepted,
	    "requests", (json_int_t)s->requests, "refused",
	    (json_int_t)s->refused, "ended", ended, "limits",
	    limits_json(&s->limits));
	return 0;
}
