/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Of one interface, looked at once for all families. */
struct row {
	char vnet[EPAIR_NAME_MAX], name[EPAIR_NAME_MAX];
	char peer[EPAIR_NAME_MAX], peer_vnet[EPAIR_NAME_MAX];
	uint8_t mac[6];
	struct epair_if_stats stats;
	struct epair_if_histograms histograms;
	uint64_t up, running, link_up, attached, mtu, queue_limit;
};

/* X(name, kind, value of a row, sentence) */
#define IF_METRICS(X) \
	X("up", GAUGE, row->up, "Whether the interface is UP.") \
	X("running", GAUGE, row->running, "Whether it is RUNNING.") \
	X("link_up", GAUGE, row->link_up, "Whether its link is up.") \
	X("attached", GAUGE, row->attached, "Whether anything is attached.") \
	X("mtu_bytes", GAUGE, row->mtu, "The MTU.") \
	X("queue_frames", GAUGE, row->stats.queued, \
	    "Frames that wait to be delivered, now.") \
	X("queue_limit_frames", GAUGE, row->queue_limit, \
	    "Frames that may wait in one queue.") \
	X("receive_packets", COUNTER, row->stats.ipackets, \
	    "Frames queued to the interface.") \
	X("receive_bytes", COUNTER, row->stats.ibytes, \
	    "Octets of frames delivered.") \
	X("receive_multicast", COUNTER, row->stats.imcasts, \
	    "Multicast and broadcast frames delivered.") \
	X("receive_errors", COUNTER, row->stats.ierrors, \
	    "Frames too short to be delivered.") \
	X("receive_delivered", COUNTER, row->stats.delivered, \
	    "Frames that the stack was handed.") \
	X("transmit_packets", COUNTER, row->stats.opackets, "Frames sent.") \
	X("transmit_bytes", COUNTER, row->stats.obytes, \
	    "Octets of frames sent.") \
	X("transmit_multicast", COUNTER, row->stats.omcasts, \
	    "Multicast and broadcast frames sent.") \
	X("transmit_errors", COUNTER, row->stats.oerrors, \
	    "Frames that could not be sent.") \
	X("transmit_queue_drops", COUNTER, row->stats.oqdrops, \
	    "Frames that found no room.")

/* The same of the instance and the daemon. */
#define DAEMON_METRICS(X) \
	X("pairs", GAUGE, u.pairs, "Pairs that are alive.") \
	X("interfaces", GAUGE, u.interfaces, \
	    "Interfaces that are alive or still referenced.") \
	X("vnets", GAUGE, u.vnets, "Virtual network stack instances.") \
	X("mbufs", GAUGE, u.mbufs, "Frames out of the pool.") \
	X("tasks_waiting", GAUGE, u.tasks_waiting, \
	    "Queues that wait for their worker.") \
	X("control_connections", GAUGE, s->conn_count, \
	    "Connections of clients.") \
	X("control_accepted", COUNTER, s->accepted, "Connections accepted.") \
	X("control_requests", COUNTER, s->requests, "Requests of clients.") \
	X("control_refused", COUNTER, s->refused, "Requests refused.")

enum kind { GAUGE, COUNTER, HISTOGRAM };

static const char *const kind_words[] = {
	[GAUGE] = "gauge",
	[COUNTER] = "counter",
	[HISTOGRAM] = "histogram",
};

struct text {
	FILE *f;
	enum ctl_dialect dialect;
	const struct ctl_world *world;
	const struct ctl_who *who; /* asks */
	struct row *rows;
	size_t count, size;
};

const char *
ctl_metrics_type(enum ctl_dialect dialect)
{
	return dialect == CTL_OPENMETRICS
		   ? "application/openmetrics-text; version=1.0.0; "
		     "charset=utf-8"
		   : "text/plain; version=0.0.4; charset=utf-8";
}

/* Write the lines before the samples of a family. */
static void
family(const struct text *t, const char *scope, const char *name,
    enum kind kind, const char *sentence)
{
	const char *total = kind == COUNTER && t->dialect == CTL_PROMETHEUS
				? "_total"
				: "";

	(void)fprintf(
	    t->f, "# HELP epair_%s%s%s %s\n", scope, name, total, sentence);
	(void)fprintf(t->f, "# TYPE epair_%s%s%s %s\n", scope, name, total,
	    kind_words[kind]);
}

static const char *
suffix(enum kind kind)
{
	return kind == COUNTER ? "_total" : "";
}

/* A name may have any printing character but / : and space. */
static void
label(const struct text *t, const char *key, const char *value)
{
	(void)fprintf(t->f, "%s=\"", key);
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			(void)fputc('\\', t->f);
		(void)fputc(*value, t->f);
	}
	(void)fputc('"', t->f);
}

static void
labels(const struct text *t, const struct row *row)
{
	label(t, "{vnet", row->vnet);
	label(t, ",interface", row->name);
}

static void
put_infos(const struct text *t)
{
	family(t, "", "build_info", GAUGE, "The version of the daemon.");
	label(t, "epair_build_info{version", epair_version());
	(void)fprintf(t->f, "} 1\n");
	if (t->count > 0)
		family(t, "interface_", "info", GAUGE,
		    "What an interface is and is joined to.");
	for (const struct row *row = t->rows; row < t->rows + t->count; row++) {
		(void)fputs("epair_interface_info", t->f);
		labels(t, row);
		label(t, ",peer_vnet", row->peer_vnet);
		label(t, ",peer", row->peer);
		(void)fprintf(t->f,
		    ",address=\"%02x:%02x:%02x:%02x:%02x:%02x\"} 1\n",
		    row->mac[0], row->mac[1], row->mac[2], row->mac[3],
		    row->mac[4], row->mac[5]);
	}
}

static void
put_drops(const struct text *t)
{
	if (t->count > 0)
		family(t, "interface_", "dropped", COUNTER,
		    "Frames dropped, by reason; see epair-drops(7).");
	for (const struct row *row = t->rows; row < t->rows + t->count; row++)
		for (unsigned i = 0; i < EPAIR_DROP_MAX; i++) {
			if (row->stats.drops[i] == 0)
				continue;
			(void)fputs("epair_interface_dropped_total", t->f);
			labels(t, row);
			label(t, ",reason", epair_drop_word(i));
			(void)fprintf(
			    t->f, "} %" PRIu64 "\n", row->stats.drops[i]);
		}
}

/* Each place has twice the bound of the one before. */
struct histogram {
	const char *name, *sentence;
	size_t counts_at, sum_at; /* in struct epair_if_histograms */
	unsigned places, step; /* and places to a bucket */
	double first; /* bound, in what the name says */
	double part; /* of that, which the sum counts */
};

#define AT(field) offsetof(struct epair_if_histograms, field)

/*
 * Waits by factors of four: a series for each two would be more than all
 * others.
 */
static const struct histogram histograms[] = {
	{ "receive_burst_frames", "Frames that a queue's task took at once.",
	    AT(bursts), AT(burst_frames), EPAIR_BURST_PLACES, 1, 1, 1 },
	{ "receive_wait_seconds",
	    "How long every 252nd frame waited in its queue.", AT(waits),
	    AT(wait_ns), EPAIR_WAIT_PLACES, 2,
	    (double)EPAIR_WAIT_BOUND_NS(0) / 1e9, 1e9 },
};

static const uint64_t *
numbers_of(const struct row *row, size_t at)
{
	return (const uint64_t *)(const void *)((const char *)&row->histograms +
						at);
}

/* OpenMetrics wants to see that it is no integer. */
static void
put_bound(const struct text *t, double bound)
{
	bool is_whole = bound == (double)(uint64_t)bound;

	(void)fprintf(t->f, ",le=\"%.10g%s\"", bound,
	    is_whole && t->dialect == CTL_OPENMETRICS ? ".0" : "");
}

static void
put_buckets(
    const struct text *t, const struct row *row, const struct histogram *h)
{
	const uint64_t *counts = numbers_of(row, h->counts_at);
	uint64_t count = 0;

	for (unsigned i = 0; i < h->places; i++) {
		bool is_last = i + 1 == h->places;

		count += counts[i];
		if (i % h->step != 0 && !is_last)
			continue;
		(void)fprintf(t->f, "epair_interface_%s_bucket", h->name);
		labels(t, row);
		if (is_last)
			(void)fputs(",le=\"+Inf\"", t->f);
		else
			put_bound(t, h->first * (double)(UINT64_C(1) << i));
		(void)fprintf(t->f, "} %" PRIu64 "\n", count);
	}
	(void)fprintf(t->f, "epair_interface_%s_count", h->name);
	labels(t, row);
	(void)fprintf(t->f, "} %" PRIu64 "\n", count);
}

static void
put_histogram(const struct text *t, const struct histogram *h)
{
	if (t->count > 0)
		family(t, "interface_", h->name, HISTOGRAM, h->sentence);
	for (const struct row *row = t->rows; row < t->rows + t->count; row++) {
		if (row->histograms.burst_frames == 0)
			continue;
		put_buckets(t, row, h);
		(void)fprintf(t->f, "epair_interface_%s_sum", h->name);
		labels(t, row);
		(void)fprintf(t->f, "} %.15g\n",
		    (double)*numbers_of(row, h->sum_at) / h->part);
	}
}

static void
put_interfaces(const struct text *t)
{
	if (t->count == 0)
		return;
#define PUT(name, kind, value, sentence) \
	family(t, "interface_", name, kind, sentence); \
	for (size_t i = 0; i < t->count; i++) { \
		const struct row *row = &t->rows[i]; \
\
		(void)fprintf( \
		    t->f, "epair_interface_%s%s", name, suffix(kind)); \
		labels(t, row); \
		(void)fprintf(t->f, "} %" PRIu64 "\n", (uint64_t)(value)); \
	}
	IF_METRICS(PUT)
#undef PUT
}

static void
put_daemon(const struct text *t, const struct ctl_server *s)
{
	struct epair_usage u = { .size = sizeof(u) };

	(void)epair_get_usage(s->world->ep, &u);
#define PUT(name, kind, value, sentence) \
	family(t, "", name, kind, sentence); \
	(void)fprintf(t->f, "epair_%s%s %" PRIu64 "\n", name, suffix(kind), \
	    (uint64_t)(value));
	DAEMON_METRICS(PUT)
#undef PUT
	family(t, "", "control_ended", COUNTER,
	    "Connections that ended, by reason.");
	for (unsigned i = 0; i < CTL_END_MAX; i++)
		(void)fprintf(t->f,
		    "epair_control_ended_total{reason=\"%s\"} %" PRIu64 "\n",
		    ctl_end_word(i), s->ended[i]);
}

static int
add_row(void *arg, struct epair_if *ifp)
{
	struct text *t = arg;
	struct epair_if_info info = { .size = sizeof(info) };
	struct row *row, *more;

	if (epair_if_get_info(ifp, &info) != 0)
		return 0;
	if (t->count == t->size) {
		t->size = t->size == 0 ? 64 : 2 * t->size;
		more = reallocarray(t->rows, t->size, sizeof(*t->rows));
		if (more == NULL)
			return -ENOMEM;
		t->rows = more;
	}
	row = &t->rows[t->count++];
	*row = (struct row){
		.stats = { .size = sizeof(row->stats) },
		.histograms = { .size = sizeof(row->histograms) },
		.up = (info.flags & EPAIR_IFF_UP) != 0,
		.running = (info.flags & EPAIR_IFF_RUNNING) != 0,
		.link_up = info.link == EPAIR_LINK_UP,
		.attached = info.attachment[0] != '\0',
		.mtu = info.mtu,
		.queue_limit = info.queue_limit,
	};
	memcpy(row->vnet, info.vnet, sizeof(row->vnet));
	memcpy(row->name, info.name, sizeof(row->name));
	memcpy(row->mac, info.mac, sizeof(row->mac));
	if (ctl_world_may(t->world, t->who, info.peer_vnet)) {
		memcpy(row->peer, info.peer, sizeof(row->peer));
		memcpy(row->peer_vnet, info.peer_vnet, sizeof(row->peer_vnet));
	}
	(void)epair_if_get_stats(ifp, &row->stats);
	(void)epair_if_get_histograms(ifp, &row->histograms);
	return 0;
}

static int
write_text(struct text *t, const struct ctl_server *s)
{
	struct ctl_vnet *vn;
	int error = 0;

	TAILQ_FOREACH(vn, &s->world->vnets, link)
		if (error == 0 && ctl_vnet_may(vn, t->who))
			error = ctl_world_each_if(
			    s->world, vn->name, add_row, t);
	if (error != 0)
		return error;
	put_infos(t);
	put_interfaces(t);
	put_drops(t);
	for (size_t i = 0; i < sizeof(histograms) / sizeof(histograms[0]); i++)
		put_histogram(t, &histograms[i]);
	if (t->who->is_admin)
		put_daemon(t, s);
	if (t->dialect == CTL_OPENMETRICS)
		(void)fputs("# EOF\n", t->f);
	return fflush(t->f) != 0 || ferror(t->f) ? -ENOMEM : 0;
}

int
ctl_metrics_open(const struct ctl_server *s, const struct ctl_who *who,
    enum ctl_dialect dialect)
{
	struct text t = {
		.dialect = dialect,
		.world = s->world,
		.who = who,
	};
	int fd = memfd_create("epair-metrics", MFD_CLOEXEC), copy, error;

	if (fd < 0)
		return -errno;
	copy = dup(fd);
	t.f = copy >= 0 ? fdopen(copy, "w") : NULL;
	if (t.f == NULL) {
		error = -errno;
		if (copy >= 0)
			(void)close(copy);
		(void)close(fd);
		return error;
	}
	error = write_text(&t, s);
	free(t.rows);
	(void)fclose(t.f);
	if (error == 0 && lseek(fd, 0, SEEK_SET) != 0)
		error = -errno;
	if (error == 0)
		return fd;
	(void)close(fd);
	return error;
}
