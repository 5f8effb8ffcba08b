/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

#include "cli/cli.h"
#include "cli/out.h"
#include "cli/record.h"
#include "cli/show.h"

#define NS_PER_MS INT64_C(1000000)
/* How often sources are asked whether they have sent all. */
#define COUNT_STEP_NS (10 * NS_PER_MS)
/* Simulated time passes in such steps, or to the next timer at once. */
#define SIM_STEP_NS (10 * NS_PER_MS)
/* How long frames may be under way when all sources have. */
#define COUNT_GRACE_NS (5000 * NS_PER_MS)
/* Events come from a task, which may have to wait for its turn. */
#define REST_MS    500
#define EVENTS_MAX 1024

const char *
watch_end_word(enum watch_end end)
{
	static const char *const words[] = {
		[WATCH_GOES_ON] = "",
		[WATCH_SIGNAL] = "signal",
		[WATCH_TIME] = "time",
		[WATCH_COUNT] = "count",
		[WATCH_DONE] = "done",
		[WATCH_SCENARIO] = "scenario",
		[WATCH_LOST] = "detached",
		[WATCH_CLOSED] = "closed",
	};

	return words[end];
}

int
watch_signals(void)
{
	struct sigaction hup;
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	if (sigaction(SIGHUP, NULL, &hup) == 0 && hup.sa_handler != SIG_IGN)
		(void)sigaddset(&set, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/*
 * The signal is read: a second one then tells out_drain() not to wait for the
 * reader of our output.
 */
static void
on_signal(struct watch *w)
{
	struct signalfd_siginfo si;

	if (read(w->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		w->end = WATCH_SIGNAL;
}

static void
on_event(struct watch *w, const struct epair_event *ev)
{
	if (w->events == NULL) {
		if (out_room(w->out))
			show_event(w->out, ev);
	} else if (json_array_size(w->events) < EVENTS_MAX) {
		(void)json_array_append_new(w->events, show_event_json(ev));
		w->missing += ev->missing;
	} else {
		w->missing += ev->missing + 1;
	}
	/* Before the end only a scenario detaches, or the attachment itself. */
	if (ev->type == EPAIR_EVENT_DETACH && !w->end &&
	    (w->scenario == NULL || strcmp(ev->detail, "asked to") != 0)) {
		cli_complain(w->cli, "%s: detached: %s", ev->name,
		    ev->detail[0] != '\0' ? ev->detail : "it ended");
		w->status = CLI_FAILED;
		w->end = WATCH_LOST;
	}
}

/* The capture has failed: the cable goes on, but nobody is there to read "-" */
static void
on_record_failed(struct watch *w)
{
	bool is_stdout = strcmp(w->rec->path, "-") == 0;

	w->status = CLI_FAILED;
	(void)record_stop(w->cli, w->rec);
	if (is_stdout && w->rec->error == EPIPE)
		w->end = WATCH_CLOSED;
}

/*
 * Whether that end has nothing more to come: it is no source, or it has sent
 * its count. *is_accounted says whether all of it is in the counters.
 */
static bool
has_sent(const struct watch *w, const struct cable_view *view, int i,
    bool *is_accounted)
{
	struct epair_progress p = { .size = sizeof(p) };

	if (!w->is_source[i])
		return true;
	if (epair_attach_progress(w->cable->ends[i], &p) != 0 || !p.done)
		return false;
	if (p.sent != view->stats[i].opackets + cable_refused(view, i))
		*is_accounted = false;
	return true;
}

/* End when every source has sent its count and all of that has a place. */
static void
check_count(struct watch *w, uint64_t now)
{
	struct cable_view view = { 0 };
	bool is_accounted = true;

	cable_look_stats(w->cable, &view);
	for (int i = 0; i < 2; i++)
		if (!has_sent(w, &view, i, &is_accounted))
			return;
	if (is_accounted && cable_is_settled(&view, 0) &&
	    cable_is_settled(&view, 1)) {
		w->end = WATCH_COUNT;
	} else if (w->grace_end_ns == 0) {
		w->grace_end_ns = now + COUNT_GRACE_NS;
	} else if (now >= w->grace_end_ns) {
		if (!is_accounted) {
			cli_complain(w->cli,
			    "frames are not accounted for: the counters do "
			    "not show all that a source has sent");
			w->status = CLI_FAILED;
		}
		w->end = WATCH_COUNT; /* cable_stop() checks the rest */
	}
}

/* How far the scenario is: all zero if there is none. */
static struct epair_scenario_status
scenario_of(const struct watch *w)
{
	struct epair_scenario_status status = { .size = sizeof(status) };

	if (w->scenario != NULL)
		(void)epair_scenario_get_status(w->scenario, &status);
	return status;
}

/* What a scenario was refused was told; and its end is ours. */
static void
check_scenario(struct watch *w)
{
	struct epair_scenario_status status = scenario_of(w);

	if (status.ended && !w->end)
		w->end = WATCH_SCENARIO;
	if (status.refused > 0 && w->status == CLI_OK) {
		cli_complain(w->cli, "--scenario: %u of %u steps were refused",
		    status.refused, status.steps);
		w->status = CLI_FAILED;
	}
}

/* Cut a line to that many columns; octets that go on a character have none. */
static void
cut(char *line, unsigned columns)
{
	for (; *line != '\0'; line++)
		if (((unsigned char)*line & 0xc0) != 0x80 && columns-- == 0)
			break;
	*line = '\0';
}

static void
draw(struct watch *w, uint64_t now)
{
	const char *arrow = w->out->is_utf8 ? "\xe2\x86\x92" : ">";
	char pps[2][OUT_RATE_MAX], bps[2][OUT_RATE_MAX], line[256];
	double s = (double)(now - w->last_ns) / 1e9;
	struct cable_view view;

	cable_look(w->cable, &view);
	for (int i = 0; i < 2; i++) {
		const struct epair_if_stats *is = &view.stats[i];
		const struct epair_if_stats *was = &w->last.stats[i];

		(void)out_rate(
		    (double)(is->opackets - was->opackets) / s, "pps", pps[i]);
		(void)out_rate(
		    (double)(is->obytes - was->obytes) * 8 / s, "b/s", bps[i]);
	}
	(void)snprintf(line, sizeof(line),
	    "a%sb %s %s  b%sa %s %s  drops %" PRIu64, arrow, pps[0], bps[0],
	    arrow, pps[1], bps[1],
	    cable_drops(&view.stats[0]) + cable_drops(&view.stats[1]));
	cut(line, out_width(w->out) - 1);
	out_live(w->out, line);
	w->last = view;
	w->last_ns = now;
}

/* Do what is due by the clock. Returns when to come again, or 0: no need. */
static uint64_t
on_clock(struct watch *w)
{
	uint64_t now = cable_now(w->cable), next = w->time_end_ns;

	if (w->time_end_ns != 0 && now >= w->time_end_ns && !w->end)
		w->end = WATCH_TIME;
	if (w->count > 0) {
		if (!w->end)
			check_count(w, now);
		if (next == 0 || next > now + COUNT_STEP_NS)
			next = now + COUNT_STEP_NS;
	}
	if (w->live_ns != 0) {
		/* A stopped terminal gets no more lines to show later. */
		if (now >= w->live_ns && !out_is_pending(w->out)) {
			draw(w, now);
			w->live_ns = now + OPT_NS_PER_S;
		} else if (now >= w->live_ns) {
			w->live_ns = now + OPT_NS_PER_S;
		}
		if (next == 0 || next > w->live_ns)
			next = w->live_ns;
	}
	return next;
}

/*
 * Sleep until a descriptor or the clock wants something, and do it. `next` is a
 * time of the clock, 0 for never, or AT_ONCE.
 */
#define AT_ONCE 1u

static void
wait_once(struct watch *w, uint64_t next)
{
	struct pollfd pfd[4] = {
		{ .fd = w->signal_fd, .events = POLLIN },
		{ .fd = epair_event_fd(w->cable->sub), .events = POLLIN },
		{ .fd = w->out->error ? -1 : w->out->fd,
		    .events = out_is_pending(w->out) ? POLLOUT : 0 },
		{ .fd = w->rec->is_running ? w->rec->failed_fd : -1,
		    .events = POLLIN },
	};
	struct timespec ts, *timeout = NULL;
	uint64_t now = cable_clock();
	struct epair_event ev;

	if (next != 0) {
		uint64_t ns = next > now ? next - now : 0;

		ts.tv_sec = (time_t)(ns / OPT_NS_PER_S);
		ts.tv_nsec = (long)(ns % OPT_NS_PER_S);
		timeout = &ts;
	}
	if (ppoll(pfd, 4, timeout, NULL) < 0)
		return;
	if (pfd[0].revents != 0)
		on_signal(w);
	while (epair_event_next(w->cable->sub, &ev) == 1)
		on_event(w, &ev);
	check_scenario(w);
	if (pfd[3].revents != 0)
		on_record_failed(w);
	if (out_push(w->out) != 0 ||
	    (pfd[2].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
		w->end = WATCH_CLOSED;
}

/* Whether nothing is left to begin, and all that was begun has a place. */
static bool
is_over(const struct watch *w)
{
	struct epair_scenario_status status = scenario_of(w);
	struct cable_view view = { 0 };

	if (status.done != status.steps)
		return false;

	for (int i = 0; i < 2; i++) {
		struct epair_progress p = { .size = sizeof(p) };

		if (epair_attach_progress(w->cable->ends[i], &p) != 0 ||
		    !p.done)
			return false;
	}
	cable_look_stats(w->cable, &view);
	return cable_is_settled(&view, 0) && cable_is_settled(&view, 1);
}

/* Between any two things that happen on the cable. */
static int
between(void *arg)
{
	struct watch *w = arg;

	record_pump(w->rec);
	return w->rec->error != 0;
}

/* Let simulated time pass, to `next` at most (0: no limit). */
static void
pass_time(struct watch *w, uint64_t next)
{
	struct epair *ep = w->cable->ep;
	uint64_t now = epair_now(ep), timer = epair_next_timer(ep);
	uint64_t step = SIM_STEP_NS;
	int error;

	if (timer != UINT64_MAX && timer > now + step)
		step = timer - now;
	if (next != 0 && step > next - now)
		step = next - now;
	error = epair_advance_until(ep, step, between, w);
	if (error < 0) {
		cli_complain(w->cli,
		    "work goes on without time passing; a source without "
		    "end needs a rate=");
		w->status = CLI_FAILED;
		w->end = WATCH_DONE;
	} else if (w->rec->error != 0) {
		on_record_failed(w);
	}
}

static void
watch_sim(struct watch *w)
{
	while (!w->end) {
		uint64_t next = on_clock(w);

		if (!w->end && is_over(w))
			w->end = WATCH_DONE;
		if (!w->end)
			pass_time(w, next);
		if (!w->end)
			wait_once(w, AT_ONCE);
	}
}

void
watch(struct watch *w)
{
	uint64_t next;

	w->last_ns = cable_now(w->cable);
	if (w->time_ns != 0)
		w->time_end_ns = w->last_ns + w->time_ns;
	if (w->cable->is_sim) {
		watch_sim(w);
		return;
	}
	if (w->out->is_tty && w->events == NULL) {
		cable_look(w->cable, &w->last);
		w->live_ns = w->last_ns + OPT_NS_PER_S;
	}
	while (!w->end) {
		next = on_clock(w);
		if (!w->end)
			wait_once(w, next);
	}
	out_live(w->out, "");
}

void
watch_rest(struct watch *w, unsigned detached)
{
	struct pollfd pfd = { .fd = epair_event_fd(w->cable->sub),
		.events = POLLIN };
	struct epair_event ev;

	if (w->cable->is_sim)
		(void)epair_run(w->cable->ep, 0);
	while (detached > 0 && poll(&pfd, 1, REST_MS) > 0)
		while (epair_event_next(w->cable->sub, &ev) == 1) {
			on_event(w, &ev);
			detached -= ev.type == EPAIR_EVENT_DETACH;
		}
}
