/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests that are changes: put into the queue, answered when they are done.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/fail.h"
#include "ctl/method.h"

/* A change, and who waits for it. */
struct ctl_pending {
	struct ctl_change change;
	struct ctl_conn *conn; /* NULL: gone */
	json_t *id; /* NULL: nobody wants to know */
};

void
ctl_pending_forget(struct ctl_pending *p)
{
	p->conn = NULL;
}

/* The a ends of the pairs that it made. */
static json_t *
made(const struct ctl_plan *plan)
{
	struct epair_if_info info = { .size = sizeof(info) };
	json_t *list = json_array();
	bool is_whole = true;

	for (size_t i = 0; i < plan->count && is_whole; i++) {
		const struct ctl_step *s = &plan->steps[i];

		if (s->op != CTL_OP_CREATE ||
		    epair_if_get_info(s->ifp, &info) != 0)
			continue;
		is_whole = ctl_add(
		    list, json_sprintf("%s/%s", info.vnet, info.name));
	}
	return ctl_whole(list, is_whole);
}

static json_t *
steps_json(const struct ctl_plan *plan)
{
	json_t *list = json_array();
	bool is_whole = true;

	for (size_t i = 0; i < plan->count && is_whole; i++)
		is_whole = ctl_add(list, ctl_step_encode(plan, i));
	return ctl_whole(list, is_whole);
}

static bool
makes_pairs(const struct ctl_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].op == CTL_OP_CREATE)
			return true;
	return false;
}

static json_t *
result_of(const struct ctl_change *c)
{
	json_t *result = json_object();
	bool is_whole;

	if (c->is_dry)
		return ctl_whole(
		    result, ctl_put(result, "steps", steps_json(&c->steps)));
	is_whole = ctl_put(
	    result, "steps", json_integer((json_int_t)c->steps.count));
	if (makes_pairs(&c->steps))
		is_whole &= ctl_put(result, "made", made(&c->steps));
	return ctl_whole(result, is_whole);
}

static void
done(struct ctl_change *c, int error, const struct epair_err *err)
{
	struct ctl_pending *p = c->arg;
	struct ctl_conn *conn = p->conn;

	if (conn != NULL && error != 0)
		conn->server->refused++;
	if (conn != NULL && p->id != NULL)
		ctl_conn_put(conn,
		    error == 0 ? ctl_response(p->id, result_of(c), 0)
			       : ctl_refusal(p->id, CTL_RPC_REFUSED, err),
		    -1);
	if (conn != NULL)
		ctl_conn_go_on(conn);
	ctl_change_fini(c);
	json_decref(p->id);
	free(p);
}

static void
progress(struct ctl_change *c, size_t steps)
{
	struct ctl_pending *p = c->arg;

	if (p->conn != NULL && ctl_conn_keeps_up(p->conn))
		ctl_conn_put(p->conn,
		    ctl_notification("progress",
			json_pack("{s:I,s:I}", "done", (json_int_t)steps,
			    "steps", (json_int_t)c->steps.count)),
		    -1);
}

int
ctl_change_begin(
    struct ctl_request *rq, const struct ctl_method *m, struct epair_err *err)
{
	struct ctl_pending *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return ctl_fail(err, -ENOMEM, "no memory for a change");
	p->conn = rq->conn;
	p->id = json_incref(rq->id);
	p->change.who = rq->conn->who;
	p->change.params = json_incref(rq->params);
	p->change.is_dry = json_is_true(json_object_get(rq->params, "dry-run"));
	if (json_is_true(json_object_get(rq->params, "progress")))
		p->change.progress = progress;
	p->change.fd_count = rq->fd_count;
	memcpy(p->change.fds, rq->fds, rq->fd_count * sizeof(int));
	rq->fd_count = 0;
	p->change.plan = m->plan;
	p->change.done = done;
	p->change.arg = p;
	rq->conn->pending = p;
	ctl_change_put(rq->conn->server->changes, &p->change);
	return CTL_LATER;
}
