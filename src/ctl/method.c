/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a line to its answer: what it asks, whether that is well formed and who
 * may ask it.
 */
#include "ctl/method.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/fail.h"
#include "ctl/wire.h"

static const char *const type_words[] = {
	[CTL_STRING] = "a string",
	[CTL_INTEGER] = "an integer, 0 or more",
	[CTL_BOOLEAN] = "true or false",
	[CTL_OBJECT] = "an object",
	[CTL_ARRAY] = "an array",
	[CTL_VALUE] = "a string, an integer, true, false or null",
};

static bool
is_type(enum ctl_type type, json_t *value)
{
	switch (type) {
	case CTL_STRING:
		return json_is_string(value);
	case CTL_INTEGER:
		return json_is_integer(value) && json_integer_value(value) >= 0;
	case CTL_BOOLEAN:
		return json_is_boolean(value);
	case CTL_OBJECT:
		return json_is_object(value);
	case CTL_ARRAY:
		return json_is_array(value);
	case CTL_VALUE:
	default:
		return !json_is_object(value) && !json_is_array(value) &&
		       !json_is_real(value);
	}
}

static const struct ctl_param *
find_param(const struct ctl_param *params, const char *name)
{
	for (; params->name != NULL; params++)
		if (strcmp(params->name, name) == 0 ||
		    strcmp(params->name, "*") == 0)
			return params;
	return NULL;
}

/* All names of a table, a comma between, into buf. Returns buf. */
static const char *
known_params(const struct ctl_param *params, char *buf, size_t size)
{
	size_t len = 0;

	(void)snprintf(buf, size, "none");
	for (; params->name != NULL && len < size; params++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s",
		    len > 0 ? ", " : "", params->name);
	return buf;
}

static int
check_params(const struct ctl_method *m, json_t *params, struct epair_err *err)
{
	const struct ctl_param *p;
	char known[160];
	const char *name;
	json_t *value;

	json_object_foreach(params, name, value)
	{
		p = find_param(m->params, name);
		if (p == NULL)
			return ctl_fail(err, -EINVAL,
			    "unknown parameter '%.32s'; known are %s", name,
			    known_params(m->params, known, sizeof(known)));
		if (!is_type(p->type, value))
			return ctl_fail(err, -EINVAL, "%.32s: must be %s", name,
			    type_words[p->type]);
	}
	for (p = m->params; p->name != NULL; p++)
		if (p->is_required && json_object_get(params, p->name) == NULL)
			return ctl_fail(err, -EINVAL, "%s: is needed: %s",
			    p->name, p->sentence);
	return 0;
}

static const struct ctl_method *
find_method(const char *name)
{
	const struct ctl_method *m;

	for (unsigned i = 0; (m = ctl_method_at(i)) != NULL; i++)
		if (strcmp(m->name, name) == 0)
			return m;
	return NULL;
}

/* Answer, if anybody wants to know. Takes result and rq->give_fd. */
static void
answer(struct ctl_request *rq, json_t *result)
{
	unsigned fds = rq->give_fd >= 0;

	if (rq->id != NULL) {
		ctl_conn_put(
		    rq->conn, ctl_response(rq->id, result, fds), rq->give_fd);
	} else {
		json_decref(result);
		ctl_wire_close(&rq->give_fd, &fds);
	}
	rq->give_fd = -1;
}

static void
refuse(struct ctl_request *rq, int rpc, const struct epair_err *err)
{
	rq->conn->server->refused++;
	if (rq->id != NULL)
		ctl_conn_put(rq->conn, ctl_refusal(rq->id, rpc, err), -1);
}

static void
call(struct ctl_request *rq, const struct ctl_method *m)
{
	struct epair_err err = { 0 };
	json_t *result = NULL;
	int error;

	/* Nobody will see what it looks at. */
	if (rq->conn->is_gone && m->plan == NULL)
		return;
	if (check_params(m, rq->params, &err) != 0) {
		refuse(rq, CTL_RPC_PARAMS, &err);
		return;
	}
	if (m->may == CTL_MAY_ADMIN && !rq->conn->who.is_admin)
		error = ctl_fail(&err, -EPERM,
		    "only root and the daemon's own user may do that");
	else if (rq->fd_count > m->fds)
		error = ctl_fail(&err, -EINVAL,
		    "%s takes %u descriptors at most", m->name, m->fds);
	else if (m->plan != NULL)
		error = ctl_change_begin(rq, m, &err);
	else
		error = m->call(rq, &result, &err);
	if (error == 0)
		answer(rq, result != NULL ? result : json_object());
	else if (error < 0)
		refuse(rq, CTL_RPC_REFUSED, &err);
}

/* Descriptors that the object says it has. */
static bool
take_fds(struct ctl_conn *c, struct ctl_request *rq, unsigned n)
{
	if (n > c->fd_count)
		return false;
	memcpy(rq->fds, c->fds, n * sizeof(int));
	rq->fd_count = n;
	c->fd_count -= n;
	memmove(c->fds, c->fds + n, c->fd_count * sizeof(int));
	return true;
}

void
ctl_method_line(struct ctl_conn *c, const char *line, size_t len)
{
	struct ctl_request rq = { .conn = c, .give_fd = -1 };
	const struct ctl_method *m;
	struct ctl_message msg;
	struct epair_err err = { 0 };
	int rpc = ctl_message_parse(line, len, &msg, &err);

	c->server->requests++;
	rq.id = msg.id;
	if (rpc == 0 && msg.method == NULL)
		rpc = CTL_RPC_REQUEST;
	if (rpc == 0 && !take_fds(c, &rq, msg.fds)) {
		c->is_broken = true;
		c->end = CTL_END_DESCRIPTORS;
		ctl_message_fini(&msg);
		return;
	}
	if (rpc != 0) {
		/* What has no id that we could read is answered with null. */
		rq.id = rq.id != NULL ? rq.id : json_null();
		if (err.code == 0)
			(void)ctl_fail(&err, -EINVAL, "this is no request");
		refuse(&rq, rpc, &err);
	} else if ((m = find_method(msg.method)) == NULL) {
		(void)ctl_fail(&err, -ENOSYS,
		    "there is no method %.32s; introspect lists them",
		    msg.method);
		refuse(&rq, CTL_RPC_METHOD, &err);
	} else {
		rq.params = msg.params != NULL ? json_incref(msg.params)
					       : json_object();
		call(&rq, m);
		json_decref(rq.params);
	}
	ctl_wire_close(rq.fds, &rq.fd_count);
	ctl_message_fini(&msg);
}

int
ctl_no_memory(struct epair_err *err)
{
	return ctl_fail(err, -ENOMEM, "no memory for the answer");
}

int
ctl_give(json_t **result, json_t *made, struct epair_err *err)
{
	*result = made;
	return made != NULL ? 0 : ctl_no_memory(err);
}

static json_t *
params_json(const struct ctl_param *params)
{
	json_t *list = json_array();
	bool is_whole = true;

	for (; params->name != NULL && is_whole; params++)
		is_whole = ctl_add(list,
		    json_pack("{s:s,s:s,s:b,s:s}", "name", params->name, "type",
			type_words[params->type], "required",
			params->is_required, "sentence", params->sentence));
	return ctl_whole(list, is_whole);
}

static json_t *
method_json(const struct ctl_method *m)
{
	return json_pack("{s:s,s:s,s:s,s:i,s:o,s:s,s:s,s:b}", "name", m->name,
	    "sentence", m->sentence, "may",
	    m->may == CTL_MAY_ALL ? "all" : "admin", "fds", (int)m->fds,
	    "params", params_json(m->params), "result", m->result, "errors",
	    m->errors, "change", m->plan != NULL);
}

static json_t *
methods_json(void)
{
	json_t *list = json_array();
	const struct ctl_method *m;
	bool is_whole = true;

	for (unsigned i = 0; is_whole && (m = ctl_method_at(i)) != NULL; i++)
		is_whole = ctl_add(list, method_json(m));
	return ctl_whole(list, is_whole);
}

static json_t *
events_json(void)
{
	json_t *list = json_array();
	bool is_whole = true;

	for (unsigned i = 0; i < EPAIR_EVENT_MAX && is_whole; i++)
		is_whole = ctl_add(list, json_string(epair_event_word(i)));
	return ctl_whole(list, is_whole);
}

static json_t *
ends_json(void)
{
	json_t *object = json_object();
	bool is_whole = true;

	for (unsigned i = 0; i < CTL_END_MAX && is_whole; i++)
		is_whole = ctl_put(
		    object, ctl_end_word(i), json_string(ctl_end_sentence(i)));
	return ctl_whole(object, is_whole);
}

int
ctl_do_introspect(
    struct ctl_request *rq, json_t **result, struct epair_err *err)
{
	(void)rq;
	return ctl_give(result,
	    json_pack("{s:s,s:o,s:o,s:o}", "version", epair_version(),
		"methods", methods_json(), "events", events_json(), "ends",
		ends_json()),
	    err);
}
