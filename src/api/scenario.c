/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api/scenario.c - what a pair goes through, step by step.
 *
 * One timer, on the worker of the interface, makes each step at its time by the
 * public calls, as a program would, and arms itself for the next.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <epair/epair.h>

#include "api/scenario_priv.h"
#include "attach/attach.h"
#include "base/container.h"
#include "base/error.h"
#include "base/number.h"
#include "base/sized.h"
#include "impair/conf.h"
#include "net/event.h"
#include "qdisc/qdisc.h"

#define FILE_MAX (4u << 20)

/* The verbs. */

static int
check_link(const char *rest, struct epair_err *err)
{
	/* With a delay: there may be one when the time has come. */
	struct ep_link_conf conf = { .delay_ns = 1 };
	unsigned named;

	return ep_link_parse(rest, &conf, &named, err);
}

static int
check_qdisc(const char *rest, struct epair_err *err)
{
	struct ep_qdisc *qd = NULL;
	int error;

	if (strcmp(rest, "none") == 0)
		return 0;
	error = ep_qdisc_create(rest, &qd, err);
	if (error == 0)
		ep_qdisc_destroy(qd);
	return error;
}

static int
make_qdisc(struct epair_if *ifp, const char *rest, struct epair_err *err)
{
	return epair_if_set_qdisc(
	    ifp, strcmp(rest, "none") == 0 ? NULL : rest, err);
}

static int
check_mtu(const char *rest, struct epair_err *err)
{
	uint64_t mtu;

	if (!ep_number_digits(&rest, &mtu) || *rest != '\0' || mtu < 72 ||
	    mtu > 65535)
		return ep_fail(err, -EINVAL, "allowed: 72 to 65535");
	return 0;
}

static int
make_mtu(struct epair_if *ifp, const char *rest, struct epair_err *err)
{
	uint64_t mtu = 0;

	(void)ep_number_digits(&rest, &mtu);
	return epair_if_set_mtu(ifp, (uint32_t)mtu, err);
}

static int
make_up(struct epair_if *ifp, const char *rest, struct epair_err *err)
{
	(void)rest;
	(void)err;
	return epair_if_up(ifp);
}

static int
make_down(struct epair_if *ifp, const char *rest, struct epair_err *err)
{
	(void)rest;
	(void)err;
	return epair_if_down(ifp);
}

static int
make_detach(struct epair_if *ifp, const char *rest, struct epair_err *err)
{
	(void)rest;
	return epair_detach(ifp, err);
}

const struct ep_verb ep_verbs[] = {
	{ "link", "WORDS", check_link, epair_if_set_link },
	{ "qdisc", "KIND:...", check_qdisc, make_qdisc },
	{ "up", "", NULL, make_up },
	{ "down", "", NULL, make_down },
	{ "mtu", "N", check_mtu, make_mtu },
	{ "attach", "KIND:...", ep_attach_check, epair_attach },
	{ "detach", "", NULL, make_detach },
	{ "end", "", NULL, NULL },
	{ NULL },
};

/* Reading. */

int
epair_scenario_parse(const char *text, size_t len, const char *name,
    struct epair_scenario **scenario, struct epair_err *err)
{
	struct epair_scenario *sc = calloc(1, sizeof(*sc));
	int error;

	if (sc != NULL)
		sc->text = malloc(len + 1);
	if (sc == NULL || sc->text == NULL) {
		free(sc);
		return ep_fail(err, -ENOMEM, "no memory for a scenario");
	}
	ep_mutex_init(&sc->lock);
	if (len > 0)
		memcpy(sc->text, text, len);
	sc->text[len] = '\0';
	error = ep_scenario_cut(sc, len, name, err);
	if (error != 0) {
		epair_scenario_free(sc);
		return error;
	}
	*scenario = sc;
	return 0;
}

/* All of a descriptor, which may be a pipe. Returns its length, or -errno. */
static ssize_t
read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return (ssize_t)len;
		len += (size_t)n;
	}
	return -EFBIG;
}

int
epair_scenario_read(
    const char *path, struct epair_scenario **scenario, struct epair_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error;
	char *text;
	ssize_t len;

	if (fd < 0)
		return ep_fail_sys(err, -errno, "%.200s", path);
	text = malloc(FILE_MAX + 1);
	len = text != NULL ? read_all(fd, text, FILE_MAX + 1) : -ENOMEM;
	(void)close(fd);
	if (len < 0)
		error = ep_fail_sys(err, (int)len, "%.200s", path);
	else
		error = epair_scenario_parse(
		    text, (size_t)len, path, scenario, err);
	free(text);
	return error;
}

/* Running. */

/* Tell of a step: what it was, and why it was refused. */
static void
tell(const struct epair_scenario *sc, const struct ep_step *step,
    const struct epair_err *why)
{
	static const char *const ends[] = { "", " a", " b", " both" };
	struct epair_if *ifp = sc->ifp;
	char detail[128];

	(void)snprintf(detail, sizeof(detail), "line %u: %s%s%s%.40s%s%.48s",
	    step->line, step->verb->name, ends[step->ends],
	    step->rest[0] != '\0' ? " " : "", step->rest,
	    why != NULL ? ": refused: " : "", why != NULL ? why->text : "");
	ep_lock(&ifp->ep->lock);
	if (!ifp->dying)
		ep_event_if(ifp, EPAIR_EVENT_SCENARIO, detail);
	ep_unlock(&ifp->ep->lock);
}

static void
make_step(struct epair_scenario *sc, const struct ep_step *step)
{
	struct epair_err why = { .text = "" };
	int error = 0;

	for (unsigned i = 0; i < 2 && step->verb->make != NULL; i++) {
		struct epair_if *end = &sc->ifp->pair->ends[i];

		if ((step->ends & (1u << i)) != 0 && error == 0)
			error = step->verb->make(end, step->rest, &why);
	}
	if (error != 0 && why.text[0] == '\0')
		(void)ep_fail_sys(&why, error, "%s", step->verb->name);
	tell(sc, step, error != 0 ? &why : NULL);
	ep_lock(&sc->lock);
	sc->done++;
	sc->refused += error != 0;
	sc->ended |= step->verb->make == NULL;
	ep_unlock(&sc->lock);
}

/* Arm for the next step. The steps are ours alone once it runs. */
static int
arm(struct epair_scenario *sc)
{
	uint64_t when;
	unsigned done;

	ep_lock(&sc->lock);
	done = sc->ended ? sc->count : sc->done;
	ep_unlock(&sc->lock);
	if (done == sc->count)
		return 0;
	if (__builtin_add_overflow(sc->start_ns, sc->steps[done].at_ns, &when))
		when = UINT64_MAX;
	return ep_timer_arm(&sc->timer, when);
}

static void
fire(struct ep_timer *timer)
{
	struct epair_scenario *sc = EP_CONTAINER_OF(
	    timer, struct epair_scenario, timer);
	unsigned done;

	ep_lock(&sc->lock);
	done = sc->done;
	ep_unlock(&sc->lock);
	make_step(sc, &sc->steps[done]);
	if (arm(sc) == 0)
		return;
	/* No memory for a timer: what is left is not made. */
	ep_lock(&sc->lock);
	sc->refused += sc->count - sc->done;
	sc->done = sc->count;
	ep_unlock(&sc->lock);
}

int
epair_scenario_start(
    struct epair_scenario *sc, struct epair_if *ifp, struct epair_err *err)
{
	int error;

	if (sc->ifp != NULL)
		return ep_fail(err, -EBUSY, "the scenario was begun before");
	ep_timer_init(&sc->timer, ep_ifnet_worker(ifp, 0), fire);
	sc->start_ns = ep_sched_mono(ifp->ep->sched);
	sc->ifp = epair_if_ref(ifp);
	error = arm(sc);
	if (error != 0) {
		epair_if_put(ifp);
		sc->ifp = NULL;
		return ep_fail(err, error, "no memory for a scenario");
	}
	return 0;
}

int
epair_scenario_get_status(
    struct epair_scenario *sc, struct epair_scenario_status *status)
{
	struct epair_scenario_status all = {
		.steps = sc->count,
		.length_ns = sc->count > 0 ? sc->steps[sc->count - 1].at_ns : 0,
	};

	ep_lock(&sc->lock);
	all.done = sc->done;
	all.refused = sc->refused;
	all.ended = sc->ended;
	ep_unlock(&sc->lock);
	return ep_sized_give(status, &all, sizeof(all));
}

void
epair_scenario_free(struct epair_scenario *sc)
{
	if (sc == NULL)
		return;
	if (sc->ifp != NULL) {
		(void)ep_timer_drain(&sc->timer);
		epair_if_put(sc->ifp);
	}
	ep_mutex_fini(&sc->lock);
	free(sc->steps);
	free(sc->text);
	free(sc);
}
