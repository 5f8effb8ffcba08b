/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What it takes to make a pair, to destroy it and to keep it: ours, and a
 * kernel veth by `ip -batch` in a namespace of its own. Times are us per pair.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "child.h"
#include "frames.h"

#define BYTES_SECONDS 20.0

struct herd {
	struct epair *ep;
	struct epair_if **ifs;
	unsigned count;
};

static bool
herd_open(struct herd *h, unsigned count)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.way = EPAIR_LOOP,
	};

	*h = (struct herd){ .count = count };
	h->ifs = calloc(count, sizeof(struct epair_if *));
	return h->ifs != NULL && epair_new(&opts, &h->ep, NULL) == 0;
}

static bool
herd_create(struct herd *h)
{
	for (unsigned i = 0; i < h->count; i++)
		if (epair_if_create(
			h->ep, NULL, "epair", NULL, &h->ifs[i], NULL) != 0)
			return false;
	return true;
}

/* One by one, the oldest first. */
static bool
herd_destroy(struct herd *h)
{
	for (unsigned i = 0; i < h->count; i++) {
		if (epair_if_destroy(h->ifs[i], NULL) != 0)
			return false;
		epair_if_put(h->ifs[i]);
	}
	return true;
}

static bool
herd_close(struct herd *h)
{
	free(h->ifs);
	return epair_free(h->ep) == 0;
}

/* Make them all and destroy them all; each in us per pair. */
static enum bench_result
live(unsigned pairs, double *create_us, double *destroy_us)
{
	double start, made, gone;
	struct herd h;

	if (!herd_open(&h, pairs))
		return BENCH_FAILED;
	start = bench_seconds();
	if (!herd_create(&h))
		return BENCH_FAILED;
	made = bench_seconds();
	if (!herd_destroy(&h))
		return BENCH_FAILED;
	gone = bench_seconds();
	*create_us = (made - start) * 1e6 / pairs;
	*destroy_us = (gone - made) * 1e6 / pairs;
	return herd_close(&h) ? BENCH_OK : BENCH_FAILED;
}

enum bench_result
bench_pair_create(const struct bench_side *side, double *value)
{
	double destroy_us;

	return live(side->pairs, value, &destroy_us);
}

enum bench_result
bench_pair_destroy(const struct bench_side *side, double *value)
{
	double create_us;

	return live(side->pairs, &create_us, value);
}

enum ip_what { IP_ADD, IP_DEL, IP_DEL_ALL };

static void
ip_line(FILE *batch, enum ip_what what, unsigned i)
{
	if (what == IP_ADD)
		(void)fprintf(batch,
		    "link add a%u group 7 type veth peer name b%u\n", i, i);
	else if (what == IP_DEL)
		(void)fprintf(batch, "link del a%u\n", i);
	else
		(void)fprintf(batch, "link del group 7\n");
}

/* `ip -batch` of so many lines. Returns seconds, or a negative number. */
static double
ip_batch(int ns, enum ip_what what, unsigned lines)
{
	static const char *const argv[] = { "ip", "-batch", "-", NULL };
	FILE *batch = tmpfile();
	double start = bench_seconds();
	bool done;

	if (batch == NULL)
		return -1;
	for (unsigned i = 0; i < lines; i++)
		ip_line(batch, what, i);
	rewind(batch);
	done = bench_run(ns, fileno(batch), argv);
	(void)fclose(batch);
	return done ? bench_seconds() - start : -1;
}

static enum bench_result
ip_live(unsigned pairs, double *create, double *destroy)
{
	int ns;

	if (geteuid() != 0)
		return bench_missing("ip -batch", "namespaces need root");
	if (!bench_have("ip"))
		return bench_missing("ip -batch", "ip is not installed");
	ns = bench_new_netns();
	if (ns < 0)
		return bench_missing("ip -batch", "there are no namespaces");
	*create = ip_batch(ns, IP_ADD, pairs);
	if (destroy != NULL)
		*destroy = ip_batch(ns, IP_DEL, pairs);
	else /* all at once: it would go on behind the next measurement */
		(void)ip_batch(ns, IP_DEL_ALL, 1);
	(void)close(ns);
	return *create < 0 || (destroy != NULL && *destroy < 0) ? BENCH_FAILED
								: BENCH_OK;
}

enum bench_result
bench_ip_create(const struct bench_side *side, double *value)
{
	enum bench_result result = ip_live(side->pairs, value, NULL);

	*value = *value * 1e6 / side->pairs;
	return result;
}

enum bench_result
bench_ip_destroy(const struct bench_side *side, double *value)
{
	double create;
	enum bench_result result = ip_live(side->pairs, &create, value);

	*value = *value * 1e6 / side->pairs;
	return result;
}

/* Resident memory of this process. */
static double
resident(void)
{
	unsigned long size, pages = 0;
	FILE *statm = fopen("/proc/self/statm", "r");

	if (statm != NULL) {
		if (fscanf(statm, "%lu %lu", &size, &pages) != 2)
			pages = 0;
		(void)fclose(statm);
	}
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* A frame each way through every pair, so that its queues were used once. */
static bool
herd_use(struct herd *h)
{
	for (unsigned i = 0; i < h->count; i++) {
		struct epair_if *ends[2] = { h->ifs[i],
			epair_if_peer(h->ifs[i]) };

		(void)epair_if_up(ends[0]);
		(void)epair_if_up(ends[1]);
		for (unsigned end = 0; end < 2; end++) {
			struct epair_mbuf *m;

			if (bench_frames_make(h->ep, &m, 1, BENCH_HEADER) != 1)
				return false;
			(void)epair_if_transmit(ends[end], &m, 1);
		}
		(void)epair_dispatch(h->ep, 0, 0);
		epair_if_put(ends[1]);
	}
	return true;
}

static double
bytes_of(unsigned pairs)
{
	double before;
	struct herd h;

	(void)malloc_trim(0);
	if (!herd_open(&h, pairs))
		return 0;
	before = resident();
	if (!herd_create(&h) || !herd_use(&h))
		return 0;
	return (resident() - before) / pairs;
}

/* In a process of its own, whose memory nobody used before. */
enum bench_result
bench_pair_bytes(const struct bench_side *side, double *value)
{
	enum bench_result result = BENCH_FAILED;
	int fds[2];
	pid_t pid;

	if (pipe(fds) != 0)
		return BENCH_FAILED;
	pid = bench_fork(-1);
	if (pid == 0) {
		double bytes = bytes_of(side->pairs);

		_exit(write(fds[1], &bytes, sizeof(bytes)) != sizeof(bytes));
	}
	(void)close(fds[1]);
	if (bench_wait(pid, BYTES_SECONDS) &&
	    read(fds[0], value, sizeof(*value)) == sizeof(*value) && *value > 0)
		result = BENCH_OK;
	(void)close(fds[0]);
	return result;
}
