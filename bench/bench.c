/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench - how fast the cable is, beside whom.
 */
#include "bench.h"

#include <getopt.h>
#include <jansson.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS_MIN 5
#define RUNS_MAX 99

static const struct bench benches[] = {
	{ .name = "inproc_64B_mpps",
	    .unit = "Mpps",
	    .measure = bench_inproc,
	    .frame_len = 64,
	    .burst = 32,
	    .peer = "peer_dpdk",
	    .peer_asks = "net_ring 64 32",
	    .peer_figure = "dpdk_net_ring_64B_mpps",
	    .ratio_figure = "inproc_64B_vs_dpdk_net_ring" },
	{ .name = "inproc_1514B_mpps",
	    .unit = "Mpps",
	    .measure = bench_inproc,
	    .frame_len = 1514,
	    .burst = 32,
	    .peer = "peer_dpdk",
	    .peer_asks = "net_ring 1514 32",
	    .peer_figure = "dpdk_net_ring_1514B_mpps",
	    .ratio_figure = "inproc_1514B_vs_dpdk_net_ring" },
	{ .name = "inproc_burst1_mpps",
	    .unit = "Mpps",
	    .measure = bench_inproc,
	    .frame_len = 64,
	    .burst = 1,
	    .peer = "peer_dpdk",
	    .peer_asks = "net_ring 64 1",
	    .peer_figure = "dpdk_net_ring_burst1_mpps",
	    .ratio_figure = "inproc_burst1_vs_dpdk" },
	{ .name = "inproc_loop_64B_mpps",
	    .unit = "Mpps",
	    .measure = bench_inproc,
	    .frame_len = 64,
	    .burst = 32,
	    .one_thread = true },
};
#define BENCHES (sizeof(benches) / sizeof(benches[0]))

static json_t *json; /* an array, with --json */

double
bench_seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

void
bench_pin(unsigned i)
{
	static cpu_set_t all; /* as it was before anybody was pinned */
	cpu_set_t one;

	if (CPU_COUNT(&all) == 0 &&
	    sched_getaffinity(0, sizeof(all), &all) != 0)
		return;
	i %= (unsigned)CPU_COUNT(&all);
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && i-- == 0) {
			CPU_SET(cpu, &one);
			break;
		}
	(void)pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
}

static void
say(const char *name, double value, const char *unit)
{
	if (json != NULL)
		(void)json_array_append_new(
		    json, json_pack("{s:s, s:f, s:s}", "figure", name, "value",
			      value, "unit", unit));
	else
		(void)printf("figure %s %.3g %s\n", name, value, unit);
	(void)fflush(stdout);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* Measure ours and the peer's in turn. False: ours could not be done. */
static bool
run(const struct bench *b, int runs)
{
	double ours[RUNS_MAX], theirs[RUNS_MAX], ratios[RUNS_MAX];
	bool with_peer = b->peer != NULL;

	for (int i = 0; i < runs; i++) {
		if (!b->measure(b, &ours[i]))
			return false;
		if (with_peer)
			with_peer = bench_ask_peer(
			    b->peer, b->peer_asks, &theirs[i]);
		if (with_peer)
			ratios[i] = ours[i] / theirs[i];
	}
	say(b->name, median(ours, runs), b->unit);
	if (with_peer) {
		say(b->peer_figure, median(theirs, runs), b->unit);
		say(b->ratio_figure, median(ratios, runs), "x");
	} else if (b->peer != NULL) {
		(void)fprintf(stderr,
		    "bench: %s is not to be had here: no %s\n", b->peer,
		    b->ratio_figure);
	}
	return true;
}

static void
usage(FILE *to)
{
	(void)fprintf(to,
	    "usage: bench [--list] [--only NAME] [--runs N] [--json]\n"
	    "  --list       name the benchmarks\n"
	    "  --only NAME  run one, named by any of its figures\n"
	    "  --runs N     so many runs of each, %d to %d\n"
	    "  --json       one JSON array instead of lines\n",
	    RUNS_MIN, RUNS_MAX);
}

static bool
has_figure(const struct bench *b, const char *name)
{
	return strcmp(b->name, name) == 0 ||
	       (b->peer != NULL && (strcmp(b->peer_figure, name) == 0 ||
				       strcmp(b->ratio_figure, name) == 0));
}

static void
list(void)
{
	for (size_t i = 0; i < BENCHES; i++) {
		(void)printf("%s", benches[i].name);
		if (benches[i].peer != NULL)
			(void)printf(" %s %s", benches[i].peer_figure,
			    benches[i].ratio_figure);
		(void)printf("\n");
	}
}

static int
run_all(const char *only, int runs)
{
	int failed = 0, done = 0;

	for (size_t i = 0; i < BENCHES; i++) {
		if (only != NULL && !has_figure(&benches[i], only))
			continue;
		done++;
		if (!run(&benches[i], runs)) {
			(void)fprintf(
			    stderr, "bench: %s failed\n", benches[i].name);
			failed++;
		}
	}
	bench_stop_peers();
	if (json != NULL) {
		(void)json_dumpf(json, stdout, JSON_INDENT(1));
		(void)printf("\n");
	}
	if (done == 0) {
		(void)fprintf(
		    stderr, "bench: no figure %s; --list names them\n", only);
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
	const char *only = NULL;
	int runs = RUNS_MIN, c;

	(void)signal(SIGPIPE, SIG_IGN);
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
		switch (c) {
		case 'l':
			list();
			return 0;
		case 'o':
			only = optarg;
			break;
		case 'r':
			runs = atoi(optarg);
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
	if (optind < argc || runs < RUNS_MIN || runs > RUNS_MAX) {
		usage(stderr);
		return 2;
	}
	return run_all(only, runs);
}
