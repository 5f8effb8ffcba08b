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
#include "ctl/image.h"
#include "ctl/method.h"
#include "ctl/metrics.h"

/* Interfaces of one answer: what a client reads without holding up others. */
#define PAGE_MAX 500u

int
ctl_do_hello(struct ctl_request *rq, json_t **result, struct epair_err *err)
{
	return ctl_give(result,
	    json_pack("{s:s,s:I,s:I,s:b}", "version", epair_version(), "pid",
		(json_int_t)getpid(), "uid", (json_int_t)rq->conn->who.uid,
		"admin", rq->conn->who.is_admin),
	    err);
}

int
ctl_do_vnets(struct ctl_request *rq, json_t **result, struct epair_err *err)
{
	struct ctl_world *w = rq->conn->server->world;
	json_t *list = json_array();
	struct ctl_vnet *vn;
	bool is_whole = true;

	TAILQ_FOREACH(vn, &w->vnets, link)
		if (is_whole && ctl_vnet_may(vn, &rq->conn->who))
			is_whole = ctl_add(
			    list, ctl_image_vnet(vn,
				      json_pack("{s:s,s:I}", "name", vn->name,
					  "pairs",
					  (json_int_t)ctl_vnet_pairs(w, vn))));
	list = ctl_whole(list, is_whole);
	return ctl_give(result, json_pack("{s:o}", "vnets", list), err);
}

/* Look at all of it that was asked for. */
static void
look(const struct ctl_request *rq, struct epair_if *ifp, struct ctl_if *ifc)
{
	if (epair_if_get_link(ifp, ifc->link, sizeof(ifc->link)) < 0)
		ifc->link[0] = '\0';
	if (!json_is_false(json_object_get(rq->params, "stats"))) {
		ifc->stats.size = sizeof(ifc->stats);
		(void)epair_if_get_stats(ifp, &ifc->stats);
	}
	if (!json_is_true(json_object_get(rq->params, "detail")))
		return;
	ifc->histograms.size = sizeof(ifc->histograms);
	(void)epair_if_get_histograms(ifp, &ifc->histograms);
	ifc->link_stats.size = sizeof(ifc->link_stats);
	(void)epair_if_get_link_stats(ifp, &ifc->link_stats);
	ifc->qdisc_stats.size = sizeof(ifc->qdisc_stats);
	if (epair_if_get_qdisc_stats(ifp, &ifc->qdisc_stats) != 0)
		ifc->qdisc_stats.size = 0;
}

/*
 * Append the object of one, without what is not theirs to see, if it is there
 * still, and say in *place where it is in the list. Returns whether there was
 * memory.
 */
static bool
add_if(
    struct ctl_request *rq, struct epair_if *ifp, json_t *list, uint64_t *place)
{
	const struct ctl_world *w = rq->conn->server->world;
	struct ctl_if ifc = { .info = { .size = sizeof(ifc.info) } };

	if (epair_if_get_info(ifp, &ifc.info) != 0)
		return true;
	*place = ifc.info.place;
	if (!ctl_world_may(w, &rq->conn->who, ifc.info.peer_vnet)) {
		ifc.info.peer[0] = ifc.info.peer_vnet[0] = '\0';
		ifc.info.peer_index = 0;
	}
	if (!ctl_world_may(w, &rq->conn->who, ifc.info.home))
		ifc.info.home[0] = '\0';
	look(rq, ifp, &ifc);
	return ctl_add(list, ctl_if_encode(&ifc));
}

static int
show_one(struct ctl_request *rq, const char *name, json_t *list,
    struct epair_err *err)
{
	struct epair_if *ifp = NULL;
	uint64_t place;
	int error = ctl_world_find_if(
	    rq->conn->server->world, &rq->conn->who, name, &ifp, err);

	if (error == 0 && !add_if(rq, ifp, list, &place))
		error = ctl_no_memory(err);
	epair_if_put(ifp);
	return error;
}

/*
 * Append the interfaces of a vnet behind the place *after, up to a page, and say
 * in *after where the last one is. Returns 1 if there may be more, 0, or
 * -ENOMEM.
 */
static int
show_vnet(
    struct ctl_request *rq, const char *vnet, uint64_t *after, json_t *list)
{
	size_t room = PAGE_MAX - json_array_size(list);
	struct epair_if *ifps[PAGE_MAX];
	int count = epair_if_list_after(
	    rq->conn->server->world->ep, vnet, *after, ifps, room);
	bool is_whole = true;

	for (int i = 0; i < count; i++) {
		is_whole = is_whole && add_if(rq, ifps[i], list, after);
		epair_if_put(ifps[i]);
	}
	if (!is_whole)
		return -ENOMEM;
	return count >= (int)room;
}

/*
 * Where to begin: the vnet, by its serial since it may have ended, and behind
 * which place of it.
 */
static int
parse_after(
    const char *after, uint64_t *serial, uint64_t *place, struct epair_err *err)
{
	const char *behind;
	char *end;

	*serial = strtoull(after, &end, 10);
	behind = *end == '/' && end != after ? end + 1 : "";
	*place = strtoull(behind, &end, 10);
	if (end == behind || *end != '\0')
		return ctl_fail(err, -EINVAL, "after: is no `more` of ours");
	return 0;
}

/* All vnets, or one, from where the page before ended. */
static int
show_page(struct ctl_request *rq, const char *only, const char *after,
    json_t *answer, struct epair_err *err)
{
	json_t *list = json_object_get(answer, "interfaces");
	struct ctl_vnet *vn;
	uint64_t serial = 0, place = 0;
	int more = after != NULL ? parse_after(after, &serial, &place, err) : 0;

	if (more != 0)
		return more;
	TAILQ_FOREACH(vn, &rq->conn->server->world->vnets, link) {
		if (vn->serial > serial)
			place = 0;
		if (vn->serial < serial || !ctl_vnet_may(vn, &rq->conn->who) ||
		    (only != NULL && strcmp(only, vn->name) != 0))
			continue;
		more = show_vnet(rq, vn->name, &place, list);
		if (more == 0)
			continue;
		if (more < 0 || !ctl_put(answer, "more",
				    json_sprintf("%" PRIu64 "/%" PRIu64,
					vn->serial, place)))
			return ctl_no_memory(err);
		break;
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
	int error = answer != NULL ? 0 : ctl_no_memory(err);

	if (error == 0 && vnet != NULL)
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

static json_t *
usage_json(const struct ctl_world *w)
{
	struct epair_usage u = { .size = sizeof(u) };

	(void)epair_get_usage(w->ep, &u);
	return json_pack("{s:I,s:I,s:I,s:I,s:I}", "mbufs", (json_int_t)u.mbufs,
	    "pairs", (json_int_t)u.pairs, "interfaces",
	    (json_int_t)u.interfaces, "tasks-waiting",
	    (json_int_t)u.tasks_waiting, "vnets", (json_int_t)u.vnets);
}

static json_t *
ended_json(const struct ctl_server *s)
{
	json_t *object = json_object();
	bool is_whole = true;

	for (unsigned i = 0; i < CTL_END_MAX && is_whole; i++)
		is_whole = ctl_put(object, ctl_end_word(i),
		    json_integer((json_int_t)s->ended[i]));
	return ctl_whole(object, is_whole);
}

int
ctl_do_daemon(struct ctl_request *rq, json_t **result, struct epair_err *err)
{
	const struct ctl_server *s = rq->conn->server;

	return ctl_give(result,
	    json_pack("{s:s,s:I,s:o,s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "version",
		epair_version(), "pid", (json_int_t)getpid(), "usage",
		usage_json(s->world), "generation",
		(json_int_t)s->world->generation, "connections",
		(json_int_t)s->conn_count, "accepted", (json_int_t)s->accepted,
		"requests", (json_int_t)s->requests, "refused",
		(json_int_t)s->refused, "ended", ended_json(s), "limits",
		limits_json(&s->limits)),
	    err);
}
