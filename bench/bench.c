/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench - how fast the cable is, beside whom.
 */
#include "bench.h"

#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "guests.h"
#include "link.h"

#define RUNS_MIN 5
#define RUNS_MAX 99
#define ONLY_MAX 16

static json_t *json; /* an array, with --json */

double
bench_seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* As it was before anybody was pinned. */
static const cpu_set_t *
all_cpus(void)
{
	static cpu_set_t all;

	if (CPU_COUNT(&all) == 0)
		(void)sched_getaffinity(0, sizeof(all), &all);
	return &all;
}

void
bench_pin(unsigned i)
{
	const cpu_set_t *all = all_cpus();
	cpu_set_t one;

	if (CPU_COUNT(all) == 0)
		return;
	i %= (unsigned)CPU_COUNT(all);
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, all) && i-- == 0) {
			CPU_SET(cpu, &one);
			break;
		}
	(void)pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
}

void
bench_unpin(void)
{
	const cpu_set_t *all = all_cpus();

	(void)pthread_setaffinity_np(pthread_self(), sizeof(*all), all);
}

/* Words to the one who waits; none where nobody looks. */
static void __attribute__((format(printf, 1, 2))) progress(const char *fmt, ...)
{
	va_list args;

	if (!isatty(STDERR_FILENO))
		return;
	(void)fprintf(stderr, "\r\033[K");
	va_start(args, fmt);
	(void)vfprintf(stderr, fmt, args);
	va_end(args);
	(void)fflush(stderr);
}

enum bench_result
bench_missing(const char *what, const char *why)
{
	static const char *said[16];

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		if (said[i] == what)
			break;
		if (said[i] != NULL)
			continue;
		said[i] = what;
		progress("%s", "");
		(void)fprintf(stderr, "bench: without %s: %s\n", what, why);
		break;
	}
	return BENCH_MISSING;
}

static int
order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
bench_median(double *values, size_t n)
{
	if (n == 0)
		return 0;
	qsort(values, n, sizeof(*values), order);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* Values of all rounds, which are sorted by this. */
static void
say(const char *name, double *values, int runs, const char *unit)
{
	double median = bench_median(values, (size_t)runs);

	progress("%s", "");
	if (json != NULL)
		(void)json_array_append_new(json,
		    json_pack("{s:s, s:f, s:s, s:f, s:f, s:i}", "figure", name,
			"value", median, "unit", unit, "min", values[0], "max",
			values[runs - 1], "runs", runs));
	else
		(void)printf(fabs(median) < 1000 ? "figure %s %.3g %s\n"
						 : "figure %s %.0f %s\n",
		    name, median, unit);
	(void)fflush(stdout);
}

/* What was asked for. */
struct wanted {
	const char *only[ONLY_MAX]; /* figures */
	int only_count; /* 0: all */
	int runs;
};

static bool
is_named(const struct bench_side *side, const struct wanted *w)
{
	for (int i = 0; i < w->only_count; i++)
		if ((side->figure != NULL &&
			strcmp(side->figure, w->only[i]) == 0) ||
		    (side->compared != NULL &&
			strcmp(side->compared, w->only[i]) == 0))
			return true;
	return false;
}

static bool
is_peer(const struct bench *b, unsigned i)
{
	return i < BENCH_PEERS_MAX && b->peers[i].measure != NULL;
}

/* One named peer is measured without the others. */
static bool
is_wanted_peer(const struct bench *b, unsigned i, const struct wanted *w)
{
	return is_peer(b, i) && (w->only_count == 0 || is_named(&b->ours, w) ||
				    is_named(&b->peers[i], w));
}

static bool
is_wanted(const struct bench *b, const struct wanted *w)
{
	bool wanted = w->only_count == 0 || is_named(&b->ours, w);

	for (unsigned i = 0; is_peer(b, i); i++)
		wanted = wanted || is_named(&b->peers[i], w);
	return wanted;
}

static double
compare(enum bench_compare how, double ours, double theirs)
{
	switch (how) {
	case BENCH_RATIO:
		return ours / theirs;
	case BENCH_INVERSE:
		return theirs / ours;
	case BENCH_DIFFERENCE:
		return ours - theirs;
	}
	return 0;
}

/* The values of a benchmark's peers, a column for each. */
struct columns {
	enum bench_result result[BENCH_PEERS_MAX];
	double theirs[BENCH_PEERS_MAX][RUNS_MAX];
	double compared[BENCH_PEERS_MAX][RUNS_MAX];
};

static void
say_peers(const struct bench *b, const struct wanted *w, struct columns *c)
{
	const char *unit = b->compare == BENCH_DIFFERENCE ? b->unit : "x";

	for (unsigned i = 0; is_peer(b, i); i++) {
		const struct bench_side *peer = &b->peers[i];

		if (!is_wanted_peer(b, i, w))
			continue;
		if (c->result[i] != BENCH_OK) {
			(void)fprintf(stderr, "bench: %s: no %s\n",
			    c->result[i] == BENCH_MISSING ? "skipped"
							  : "failed",
			    peer->compared);
			continue;
		}
		if (peer->figure != NULL)
			say(peer->figure, c->theirs[i], w->runs, b->unit);
		say(peer->compared, c->compared[i], w->runs, unit);
	}
}

/* Measure ours and the peers' in turn. */
static enum bench_result
run(const struct bench *b, const struct wanted *w)
{
	static struct columns c;
	double ours[RUNS_MAX];

	c = (struct columns){ .result = { BENCH_OK } };
	for (int n = 0; n < w->runs; n++) {
		enum bench_result result;

		progress("%s: %d of %d", b->ours.figure, n + 1, w->runs);
		result = b->ours.measure(&b->ours, &ours[n]);
		if (result != BENCH_OK)
			return result;
		for (unsigned i = 0; is_peer(b, i); i++) {
			const struct bench_side *peer = &b->peers[i];

			if (c.result[i] != BENCH_OK || !is_wanted_peer(b, i, w))
				continue;
			progress(
			    "%s: %d of %d", peer->compared, n + 1, w->runs);
			c.result[i] = peer->measure(peer, &c.theirs[i][n]);
			c.compared[i][n] = compare(
			    b->compare, ours[n], c.theirs[i][n]);
		}
	}
	say(b->ours.figure, ours, w->runs, b->unit);
	say_peers(b, w, &c);
	return BENCH_OK;
}

static void
usage(FILE *to)
{
	(void)fprintf(to,
	    "usage: bench [--list] [--only NAME]... [--runs N] [--json]\n"
	    "  --list       name the figures, a benchmark a line\n"
	    "  --only NAME  only what this figure needs\n"
	    "  --runs N     so many rounds, %d to %d\n"
	    "  --json       one JSON array instead of lines\n",
	    RUNS_MIN, RUNS_MAX);
}

static void
list(void)
{
	for (const struct bench *b = benches; b < benches + bench_count; b++) {
		(void)printf("%s", b->ours.figure);
		for (unsigned i = 0; is_peer(b, i); i++) {
			if (b->peers[i].figure != NULL)
				(void)printf(" %s", b->peers[i].figure);
			(void)printf(" %s", b->peers[i].compared);
		}
		(void)printf("\n");
	}
}

static int
run_all(const struct wanted *w)
{
	int failed = 0, done = 0;

	for (const struct bench *b = benches; b < benches + bench_count; b++) {
		enum bench_result result;

		if (!is_wanted(b, w))
			continue;
		done++;
		result = run(b, w);
		if (result != BENCH_OK)
			(void)fprintf(stderr, "bench: %s: no %s\n",
			    result == BENCH_MISSING ? "skipped" : "failed",
			    b->ours.figure);
		failed += result == BENCH_FAILED;
	}
	bench_close_links();
	bench_close_guests();
	bench_stop_peers();
	if (json != NULL) {
		(void)json_dumpf(
		    json, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
		(void)printf("\n");
	}
	if (done == 0) {
		(void)fprintf(
		    stderr, "bench: no such figure; --list names them\n");
		return 2;
	}
	return failed > 0;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "list", no_argument, NULL, 'l' },
		{ "only", required_argument, NULL, 'o' },
		{ "runs", required_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct wanted w = { .runs = RUNS_MIN };
	int c;

	(void)signal(SIGPIPE, SIG_IGN);
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
		switch (c) {
		case 'l':
			list();
			return 0;
		case 'o':
			if (w.only_count < ONLY_MAX)
				w.only[w.only_count++] = optarg;
			break;
		case 'r':
			w.runs = atoi(optarg);
			break;
		case 'j':
			json = json_array();
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	if (optind < argc || w.runs < RUNS_MIN || w.runs > RUNS_MAX) {
		usage(stderr);
		return 2;
	}
	(void)all_cpus();
	return run_all(&w);
}
