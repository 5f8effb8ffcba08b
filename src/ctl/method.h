/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/method.h - the table of what can be asked.
 *
 * One table makes dispatch, the checking of parameters, the answer to
 * `introspect`, and the lists of epair-protocol(7), which a test holds to it.
 */
#ifndef EP_CTL_METHOD_H
#define EP_CTL_METHOD_H

#include "ctl/conn_priv.h"
#include "ctl/plan.h"

enum ctl_type {
	CTL_STRING,
	CTL_INTEGER, /* 0 or more */
	CTL_BOOLEAN,
	CTL_OBJECT,
	CTL_ARRAY,
	CTL_VALUE, /* a string, an integer, true, false or null */
};

struct ctl_param {
	const char *name; /* "*": any other member */
	enum ctl_type type;
	bool is_required;
	const char *sentence;
};

enum ctl_may {
	CTL_MAY_ALL, /* whoever may connect; about what is theirs */
	CTL_MAY_ADMIN, /* root and the daemon's own user */
};

struct ctl_method {
	const char *name, *sentence;
	enum ctl_may may;
	unsigned fds; /* that may come with it, at most */
	const struct ctl_param *params; /* ended by a name of NULL */
	const char *result; /* what the result has */
	const char *errors; /* "ENXIO EBUSY": beside those of all methods */
	/*
	 * Either: make *result, a new reference. Returns 0, or a negated errno
	 * with a sentence.
	 */
	int (*call)(
	    struct ctl_request *rq, json_t **result, struct epair_err *err);
	/* Or: it is a change. */
	int (*plan)(
	    struct ctl_world *w, struct ctl_change *c, struct epair_err *err);
};

/* The i-th method, or NULL behind the last. */
const struct ctl_method *ctl_method_at(unsigned i);

/* Begin a change for a request. Returns CTL_LATER, or a negated errno. */
int ctl_change_begin(
    struct ctl_request *rq, const struct ctl_method *m, struct epair_err *err);

/*
 * Give the answer that was made, or say that there was no memory for all of it.
 */
int ctl_give(json_t **result, json_t *made, struct epair_err *err);
int ctl_no_memory(struct epair_err *err);

/* The methods that are no changes. */
int ctl_do_hello(
    struct ctl_request *rq, json_t **result, struct epair_err *err);
int ctl_do_introspect(
    struct ctl_request *rq, json_t **result, struct epair_err *err);
int ctl_do_show(struct ctl_request *rq, json_t **result, struct epair_err *err);
int ctl_do_vnets(
    struct ctl_request *rq, json_t **result, struct epair_err *err);
int ctl_do_config(
    struct ctl_request *rq, json_t **result, struct epair_err *err);
int ctl_do_netns(
    struct ctl_request *rq, json_t **result, struct epair_err *err);
int ctl_do_metrics(
    struct ctl_request *rq, json_t **result, struct epair_err *err);
int ctl_do_monitor(
    struct ctl_request *rq, json_t **result, struct epair_err *err);
int ctl_do_capture(
    struct ctl_request *rq, json_t **result, struct epair_err *err);
int ctl_do_daemon(
    struct ctl_request *rq, json_t **result, struct epair_err *err);

#endif /* EP_CTL_METHOD_H */
