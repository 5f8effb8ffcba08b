/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "attach/opener_protocol.h"
#include "base/atomic.h"
#include "base/container.h"
#include "net/event.h"
#include "net/vnet.h"

/* A text made ready: its kind, and the kind's conf struct filled. */
struct plan {
	struct ep_spec spec; /* conf's strings point into it */
	const struct ep_kind *kind;
	void *conf;
};

/* What a vnet gives an interface that came to it. */
struct gift {
	uint64_t by_vnet; /* its serial */
	uint64_t place; /* the interface's: each move gives it another */
	char kind[EP_SPEC_TEXT_MAX];
	bool is_late; /* the interface has moved on, or has something else */
};

/* Every kind by name, a comma between. */
static const char *
known_kinds(char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (unsigned i = 0; ep_kinds[i] != NULL && len < size; i++) {
		int n = snprintf(buf + len, size - len, "%s%s",
		    i > 0 ? ", " : "", ep_kinds[i]->pub.name);

		len += n > 0 ? (size_t)n : 0;
	}
	return buf;
}

static int
find_kind(const char *name, const struct ep_kind **kind, struct epair_err *err)
{
	char known[128];

	for (unsigned i = 0; ep_kinds[i] != NULL; i++)
		if (strcmp(ep_kinds[i]->pub.name, name) == 0) {
			*kind = ep_kinds[i];
			return 0;
		}
	for (unsigned i = 0; ep_kinds_left_out[i] != NULL; i++)
		if (strcmp(ep_kinds_left_out[i], name) == 0)
			return ep_fail(err, -EOPNOTSUPP,
			    "kind '%s' is not in this build; there are %s",
			    name, known_kinds(known, sizeof(known)));
	return ep_fail(err, -EINVAL, "unknown kind '%.32s'; known are %s", name,
	    known_kinds(known, sizeof(known)));
}

/* in_sim: it is for an instance in simulated time, where not all can live. */
static int
plan_init(
    struct plan *plan, const char *text, bool in_sim, struct epair_err *err)
{
	const struct ep_kind *kind;
	int error;

	plan->conf = NULL;
	error = ep_spec_parse(text, &plan->spec, err);
	if (error == 0)
		error = find_kind(plan->spec.kind, &plan->kind, err);
	if (error != 0)
		return error;

	kind = plan->kind;
	if (in_sim && !kind->pub.sim)
		return ep_fail(err, -EOPNOTSUPP,
		    "kind '%s' cannot live in simulated time", kind->pub.name);
	plan->conf = calloc(1, kind->conf_size > 0 ? kind->conf_size : 1);
	if (plan->conf == NULL)
		return ep_fail(
		    err, -ENOMEM, "no memory to attach '%s'", kind->pub.name);
	if (kind->conf_default != NULL)
		memcpy(plan->conf, kind->conf_default, kind->conf_size);
	error = ep_spec_fill(&plan->spec, kind->opts, plan->conf, err);
	if (error == 0 && kind->check != NULL)
		error = kind->check(plan->conf, err);
	return error;
}

static void
plan_fini(struct plan *plan)
{
	free(plan->conf);
}

int
ep_attach_needs(
    const char *spec, const char **names, unsigned max, struct epair_err *err)
{
	const char *all[EPAIR_ATTACH_NEEDS_MAX] = { NULL };
	struct plan plan;
	int n = plan_init(&plan, spec, false, err);

	if (n == 0 && plan.kind->opens != NULL)
		n = plan.kind->opens(plan.conf, all, err);
	plan_fini(&plan);
	if (n > 0 && (unsigned)n > max)
		return ep_fail(err, -ENOSPC, "no room for %d names", n);
	for (int i = 0; i < n; i++)
		names[i] = all[i];
	return n;
}

int
ep_attach_check(const char *spec, struct epair_err *err)
{
	struct plan plan;
	int error = plan_init(&plan, spec, false, err);

	plan_fini(&plan);
	return error;
}

/*
 * Refuse what publishing would refuse, before devices and files are made for
 * it: else "tap" on an interface that has one says that the device is there.
 */
static int
check_free(struct epair_if *ifp, struct epair_err *err)
{
	struct ep_stack *st;

	if (ep_load_relaxed(&ifp->dying))
		return ep_fail(err, -ENXIO, "the interface is destroyed");
	if (!ep_stack_hold(ifp, &st))
		return 0;
	(void)ep_fail(
	    err, -EBUSY, "'%s' is attached already; detach it first", st->spec);
	ep_stack_put(st);
	return -EBUSY;
}

/* "queue, netns" */
static const char *
known_fds(const struct ep_kind *kind, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (unsigned i = 0; kind->pub.fds[i] != NULL && len < size; i++) {
		int n = snprintf(buf + len, size - len, "%s%s",
		    i > 0 ? ", " : "", kind->pub.fds[i]);

		len += n > 0 ? (size_t)n : 0;
	}
	return buf;
}

static bool
takes(const struct ep_kind *kind, const char *name)
{
	for (unsigned i = 0; kind->pub.fds != NULL && kind->pub.fds[i] != NULL;
	     i++)
		if (strcmp(kind->pub.fds[i], name) == 0)
			return true;
	return false;
}

/*
 * Each is one that the kind takes, none but queues is there twice, and of these
 * are no more than kinds have room for.
 */
static int
check_fds(const struct ep_kind *kind, const struct ep_fds *with,
    struct epair_err *err)
{
	char known[64];

	if (kind->create_with == NULL)
		return ep_fail(err, -EINVAL, "kind '%s' takes no descriptors",
		    kind->pub.name);
	for (unsigned i = 0; i < with->count; i++) {
		const char *name = with->fds[i].name;

		if (!takes(kind, name))
			return ep_fail(err, -EINVAL,
			    "kind '%s' takes no descriptor '%.16s'; it takes "
			    "%s",
			    kind->pub.name, name,
			    known_fds(kind, known, sizeof(known)));
		if (strcmp(name, "queue") != 0 &&
		    ep_fds_find(with, name, 1) >= 0)
			return ep_fail(err, -EINVAL,
			    "kind '%s' takes one descriptor '%s'",
			    kind->pub.name, name);
	}
	if (ep_fds_find(with, "queue", EP_OPENER_QUEUES_MAX) >= 0)
		return ep_fail(err, -EINVAL,
		    "kind '%s' takes at most %u descriptors 'queue'",
		    kind->pub.name, EP_OPENER_QUEUES_MAX);
	return 0;
}

static int
create(const struct ep_kind *kind, struct epair_if *ifp, const void *conf,
    const struct ep_fds *with, struct ep_stack **st, struct epair_err *err)
{
	int error;

	if (with == NULL || with->count == 0)
		return kind->create(ifp, conf, st, err);
	error = check_fds(kind, with, err);
	return error != 0 ? error : kind->create_with(ifp, conf, with, st, err);
}

/*
 * By making one that nobody sees: what it has stays while somebody holds it, and
 * get_fds() gives all that it opens.
 */
static int
open_by_making(const struct plan *plan, struct epair_if *ifp,
    struct ep_fds_out *out, struct epair_err *err)
{
	struct ep_stack *st = NULL;
	int n = plan->kind->create(ifp, plan->conf, &st, err);

	if (n != 0)
		return n;
	st->ifp = ifp;
	n = st->ops->get_fds(st, out->fds, out->max);
	st->closing = true;
	st->ops->release(st);
	if (n < 0)
		return ep_fail_sys(err, n, "cannot give its descriptors");
	out->count = (unsigned)n;
	return 0;
}

int
ep_attach_open(struct epair_if *ifp, const char *spec, struct epair_fd *fds,
    unsigned max, struct epair_err *err)
{
	struct ep_fds_out out = { .fds = fds, .max = max };
	const char *names[EPAIR_ATTACH_NEEDS_MAX];
	struct plan plan;
	int error = plan_init(&plan, spec, false, err);

	if (error == 0 && plan.kind->opens != NULL)
		error = plan.kind->opens(plan.conf, names, err);
	/* It opens nothing. */
	if (error <= 0)
		goto out;
	if (plan.kind->open == NULL) {
		error = open_by_making(&plan, ifp, &out, err);
		goto out;
	}
	error = plan.kind->open(ifp, plan.conf, &out, err);
	if (error != 0)
		out.error = error;
	error = ep_fds_end(&out);
out:
	plan_fini(&plan);
	return error < 0 ? error : (int)out.count;
}

/* The vnet of that serial, if ifp is there; or NULL. */
static struct epair_vnet *
vnet_if(struct epair_if *ifp, uint64_t serial) EP_REQUIRES(ifp->ep->lock)
{
	return ifp->vnet != NULL && ifp->vnet->serial == serial ? ifp->vnet
								: NULL;
}

/*
 * What a vnet names by the number of a process is what that was when it was
 * first attached to, and not what has the number after it. A duplicate of its
 * namespace would say so, too, but keep the namespace, and all in it, alive.
 */
static void
keep_process(struct epair_if *ifp, uint64_t by_vnet, int process)
{
	struct epair_vnet *vn;

	ep_lock(&ifp->ep->lock);
	vn = vnet_if(ifp, by_vnet);
	if (vn != NULL && vn->process < 0)
		vn->process = fcntl(process, F_DUPFD_CLOEXEC, 0);
	ep_unlock(&ifp->ep->lock);
}

static int
check_process(struct epair_if *ifp, uint64_t by_vnet, struct epair_err *err)
{
	struct pollfd p = { .fd = -1, .events = POLLIN };
	const struct epair_vnet *vn;
	bool has_ended = false;

	ep_lock(&ifp->ep->lock);
	vn = vnet_if(ifp, by_vnet);
	if (vn != NULL)
		p.fd = vn->process;
	if (p.fd >= 0)
		has_ended = poll(&p, 1, 0) > 0;
	ep_unlock(&ifp->ep->lock);
	return has_ended ? ep_fail(err, -ESTALE,
			       "the process that its vnet's netns= names has "
			       "ended")
			 : 0;
}

/* gift: what is attached is one, and spec its kind; NULL: it is none. */
static int
attach(struct epair_if *ifp, const char *spec, const struct ep_fds *with,
    struct gift *gift, struct epair_err *err)
{
	uint64_t by_vnet = gift != NULL ? gift->by_vnet : 0;
	struct ep_stack *st = NULL;
	struct plan plan;
	int error;

	error = plan_init(
	    &plan, spec, ep_sched_way(ifp->ep->sched) == EPAIR_SIM, err);
	if (error != 0)
		goto out;
	error = check_free(ifp, err);
	if (error == 0) {
		error = create(plan.kind, ifp, plan.conf, with, &st, err);
		/* That may be the same number: of a device that is in use. */
		if (error != 0)
			goto out;
		EP_ASSERT(st != NULL); /* the kind's promise */
		if (by_vnet != 0 && st->process != NULL)
			keep_process(ifp, by_vnet, *st->process);
		error = ep_attach_publish(ifp, st, spec, by_vnet, err);
	}
	if (gift != NULL)
		gift->is_late = error == -EBUSY || error == -EAGAIN;
out:
	plan_fini(&plan);
	return error;
}

/* What does ifp's vnet give its interfaces? False: nothing. */
static bool
given_by_vnet(struct epair_if *ifp, struct gift *gift)
    EP_REQUIRES(ifp->ep->lock)
{
	const struct epair_vnet *vn = ifp->vnet;

	if (vn == NULL || vn->kind == NULL)
		return false;
	gift->by_vnet = vn->serial;
	gift->place = ifp->place;
	gift->is_late = false;
	(void)snprintf(gift->kind, sizeof(gift->kind), "%s", vn->kind);
	return true;
}

/*
 * Does it have a namespace made, that another of its kind can be given? Such a
 * one is for all in the vnet.
 */
static bool
makes_netns(const char *text)
{
	const struct ep_kind *kind = NULL;
	struct ep_spec spec;

	if (ep_spec_parse(text, &spec, NULL) == 0)
		(void)find_kind(spec.kind, &kind, NULL);
	if (kind == NULL || !takes(kind, "netns"))
		return false;
	for (unsigned i = 0; i < spec.count; i++)
		if (strcmp(spec.pairs[i].key, "netns") == 0)
			return strcmp(spec.pairs[i].value, "new") == 0;
	return false;
}

/* A duplicate of the namespace of what is attached, or -1. */
static int
netns_of(struct epair_if *ifp)
{
	struct epair_fd fds[EPAIR_ATTACH_FDS_MAX];
	int netns = -1, n = 0;
	struct ep_stack *st;

	if (!ep_stack_hold(ifp, &st))
		return -1;
	if (st->ops->get_fds != NULL)
		n = st->ops->get_fds(st, fds, EPAIR_ATTACH_FDS_MAX);
	ep_stack_put(st);
	for (int i = 0; i < n; i++)
		if (netns < 0 && strcmp(fds[i].name, "netns") == 0)
			netns = fds[i].fd;
		else
			(void)close(fds[i].fd);
	return netns;
}

/* The first that was attached made it: it is the vnet's from now on. */
static void
keep_netns(struct epair_if *ifp, uint64_t by_vnet)
{
	int netns = netns_of(ifp);
	struct epair_vnet *vn;

	ep_lock(&ifp->ep->lock);
	vn = vnet_if(ifp, by_vnet);
	if (vn != NULL && vn->netns < 0) {
		vn->netns = netns;
		netns = -1;
	}
	ep_unlock(&ifp->ep->lock);
	if (netns >= 0)
		(void)close(netns);
}

/* Attach what its vnet gives it, in the namespace that the vnet has by then. */
static int
attach_given(struct epair_if *ifp, struct gift *gift, const struct ep_fds *with,
    struct epair_err *err)
{
	const struct epair_vnet *vn;
	struct epair_fd netns = { "netns", -1 };
	const struct ep_fds in_netns = { &netns, 1 };
	int error = check_process(ifp, gift->by_vnet, err);

	if (error != 0)
		return error;
	if (!makes_netns(gift->kind))
		return attach(ifp, gift->kind, with, gift, err);
	ep_lock(&ifp->ep->lock);
	vn = vnet_if(ifp, gift->by_vnet);
	if (vn != NULL && vn->netns >= 0)
		netns.fd = fcntl(vn->netns, F_DUPFD_CLOEXEC, 0);
	ep_unlock(&ifp->ep->lock);
	if ((with == NULL || with->count == 0) && netns.fd >= 0)
		with = &in_netns;
	error = attach(ifp, gift->kind, with, gift, err);
	if (netns.fd >= 0)
		(void)close(netns.fd);
	else if (error == 0)
		keep_netns(ifp, gift->by_vnet);
	return error;
}

int
ep_attach(struct epair_if *ifp, const char *spec, const struct ep_fds *with,
    struct epair_err *err)
{
	struct gift gift;
	bool is_given;

	if (spec != NULL)
		return attach(ifp, spec, with, NULL, err);
	ep_lock(&ifp->ep->lock);
	is_given = given_by_vnet(ifp, &gift);
	ep_unlock(&ifp->ep->lock);
	if (!is_given)
		return ep_fail(err, -ENOENT, "its vnet gives it nothing");
	return attach_given(ifp, &gift, with, err);
}

/*
 * Has it been moved since, be it away and back, or was something attached to
 * it? Then what it lacks, or has, is for whoever did that to be told.
 */
static bool
is_anothers(struct epair_if *ifp, const struct gift *gift)
{
	bool is;

	ep_lock(&ifp->ep->lock);
	is = !ifp->dying && (ifp->place != gift->place || ifp->stack != NULL);
	ep_unlock(&ifp->ep->lock);
	return is;
}

int
ep_attach_by_vnet(struct epair_if *ifp, struct epair_err *err)
{
	struct epair_err why;
	bool is_given = false;
	struct gift gift;
	int error;

	ep_lock(&ifp->ep->lock);
	if (!ifp->dying && ifp->stack == NULL)
		is_given = given_by_vnet(ifp, &gift);
	ep_unlock(&ifp->ep->lock);
	if (!is_given)
		return 0;
	error = attach_given(ifp, &gift, NULL, &why);
	if (error == 0 || gift.is_late || is_anothers(ifp, &gift))
		return 0;
	if (err != NULL)
		*err = why;
	return error;
}

/* May not touch *st behind the withdrawal: nothing holds it for us. */
static void
lost_run(struct ep_task *task)
{
	struct ep_stack *st = EP_CONTAINER_OF(task, struct ep_stack, lost_task);
	char why[sizeof(st->lost_why)];

	memcpy(why, st->lost_why, sizeof(why));
	(void)ep_stack_withdraw(st->ifp, st, why, NULL);
}

/* Frames that whatever was attached to ifp has been handed so far. */
static uint64_t
delivered(const struct epair_if *ifp)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < ifp->nrxqs; i++)
		sum += ep_load_relaxed(&ifp->rxqs[i].delivered);
	return sum;
}

int
ep_attach_publish(struct epair_if *ifp, struct ep_stack *st, const char *spec,
    uint64_t by_vnet, struct epair_err *err)
{
	char *copy = strdup(spec);
	int error;

	st->ifp = ifp;
	st->delivered_before = delivered(ifp);
	st->by_vnet = by_vnet;
	st->spec = copy;
	ep_task_init(&st->lost_task, ep_ifnet_worker(ifp, 0), lost_run);

	if (copy == NULL)
		error = ep_fail(
		    err, -ENOMEM, "no memory to attach '%.32s'", spec);
	else
		error = ep_stack_publish(ifp, st, err);
	if (error != 0) {
		st->closing = true; /* nobody else has seen it */
		st->ops->release(st);
		free(copy);
		return error;
	}
	if (st->ops->start != NULL)
		st->ops->start(st);
	ep_stack_put(st);
	return 0;
}

int
ep_detach(struct epair_if *ifp, const char *why, struct epair_err *err)
{
	return ep_stack_withdraw(ifp, NULL, why, err);
}

void
ep_attach_lost(struct ep_stack *st, const char *why)
{
	struct ep_mutex *lock = &st->ifp->ep->hold_lock;

	ep_lock(lock);
	if (!st->is_lost && !st->closing) {
		st->is_lost = true;
		(void)snprintf(st->lost_why, sizeof(st->lost_why), "%s", why);
		(void)ep_task_schedule(&st->lost_task);
	}
	ep_unlock(lock);
}

void
ep_attach_event(struct ep_stack *st, const char *detail)
{
	struct epair_if *ifp = st->ifp;

	ep_lock(&ifp->ep->lock);
	/* What is detached or destroyed already has said its last. */
	if (!ifp->dying && ep_load_relaxed(&ifp->stack) == st)
		ep_event_if(ifp, EPAIR_EVENT_ATTACHMENT, detail);
	ep_unlock(&ifp->ep->lock);
}

void
ep_attach_progress(struct ep_stack *st, struct epair_progress *progress)
{
	progress->done = 0;
	progress->sent = 0;
	progress->received = delivered(st->ifp) - st->delivered_before;
	if (st->ops->progress != NULL)
		st->ops->progress(st, progress);
}

bool
ep_attach_is_held(struct ep_stack *st, struct ep_watch *watch, uint32_t events)
{
	if ((events & (EPOLLERR | EPOLLHUP)) != 0 || ep_pair_may_send(st->ifp))
		return false;
	/* First muted, then asked: being told is not to come in between. */
	(void)ep_watch_set(watch, 0);
	if (!ep_pair_may_send(st->ifp))
		return true;
	(void)ep_watch_set(watch, EPOLLIN);
	return false;
}
