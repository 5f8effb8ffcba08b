/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames from one process to another by memif, copied in and out, ours or
 * DPDK's at either end: each on a CPU of its own, looking all the time. What is
 * counted is what has arrived.
 *
 *	sender    allocates, writes a header, sends
 *	receiver  reads the header, frees; the server
 *
 * Ours has a pair in it on either side: frames go through a cable, as they do
 * in a program that uses one.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "child.h"
#include "frames.h"

#define BURST        32u
#define LOOK_EVERY   4u /* bursts */
#define WARM_SECONDS 0.1
#define MOST_SECONDS 20.0 /* DPDK takes its time to begin */

struct end {
	struct epair *ep;
	struct epair_if *a, *b; /* b is ours, at a there is the memif */
	uint64_t received, sum;
};

static void
receive(void *arg, struct epair_if *ifp, struct epair_mbuf **ms, unsigned n)
{
	struct end *end = arg;

	(void)ifp;
	end->sum += bench_frames_end(ms, n);
	end->received += n;
}

static bool
end_open(struct end *end, const char *path, const char *more)
{
	const struct epair_opts opts = {
		.size = sizeof(opts),
		.way = EPAIR_LOOP,
	};
	char spec[PATH_MAX + 64];

	(void)snprintf(
	    spec, sizeof(spec), "memif:path=%s,mode=poll,%s", path, more);
	if (epair_new(&opts, &end->ep, NULL) != 0 ||
	    epair_if_create(end->ep, NULL, "epair", NULL, &end->a, NULL) != 0)
		return false;
	end->b = epair_if_peer(end->a);
	return epair_if_up(end->a) == 0 && bench_stack(end->b, receive, end) &&
	       epair_attach(end->a, spec, NULL) == 0;
}

static uint64_t
refused(const struct end *end)
{
	struct epair_if_stats stats = { .size = sizeof(stats) };

	(void)epair_if_get_stats(end->a, &stats);
	return stats.drops[EPAIR_DROP_RX_STACK_FULL];
}

/* A full ring is to be read from, not to be tried again and again. */
static void
send_for_ever(struct end *end, uint32_t len)
{
	struct epair_mbuf *ms[BENCH_BURST_MAX];
	uint64_t before = 0, now;

	for (unsigned bursts = 0;; bursts++) {
		(void)epair_if_transmit(
		    end->b, ms, bench_frames_make(end->ep, ms, BURST, len));
		(void)epair_dispatch(end->ep, 0, 0);
		if (bursts % LOOK_EVERY != 0)
			continue;
		now = refused(end);
		for (uint64_t i = before; i < now; i++)
			for (unsigned k = 0; k < 8; k++)
				__builtin_ia32_pause();
		before = now;
	}
}

static double
receive_all(struct end *end)
{
	double begin, now;
	uint64_t before;

	while (end->received == 0)
		(void)epair_dispatch(end->ep, 0, 0);
	begin = bench_seconds() + WARM_SECONDS;
	while (bench_seconds() < begin)
		(void)epair_dispatch(end->ep, 0, 0);
	before = end->received;
	begin = bench_seconds();
	do {
		for (unsigned i = 0; i < 64; i++)
			(void)epair_dispatch(end->ep, 0, 0);
		now = bench_seconds();
	} while (now - begin < BENCH_SECONDS);
	return (double)(end->received - before) / (now - begin) / 1e6;
}

/*
 * In a process of its own, whose standard output is read. The sender is the
 * client, unless the receiver trusts: that is a client's to do.
 */
static void
ours(bool sends, bool trusts, const char *path, uint32_t len)
{
	struct end end = { .ep = NULL };
	const char *as_client = trusts ? "reconnect=1ms,trust=yes"
				       : "reconnect=1ms";
	bool is_client = sends != trusts;

	bench_pin(sends ? 0 : 1);
	if (!end_open(&end, path, is_client ? as_client : "role=server"))
		_exit(1);
	if (sends)
		send_for_ever(&end, len);
	(void)printf("ready\n");
	(void)fflush(stdout);
	(void)printf("answer %f\n", receive_all(&end));
	(void)fflush(stdout);
	_exit(0);
}

static void
theirs(bool sends, const char *path, uint32_t len)
{
	char program[PATH_MAX], frame_len[16], seconds[16];

	bench_path_of("peer_memif", program, sizeof(program));
	(void)snprintf(frame_len, sizeof(frame_len), "%u", len);
	(void)snprintf(seconds, sizeof(seconds), "%f", BENCH_SECONDS);
	(void)execl(program, program, sends ? "send" : "receive",
	    sends ? "0" : "1", path, frame_len, seconds, (char *)NULL);
	_exit(127);
}

static pid_t
start(const struct bench_side *side, bool sends, const char *path, int out)
{
	bool is_ours = sends ? strncmp(side->asks, "ours", 4) == 0
			     : strstr(side->asks, "to ours") != NULL;
	bool trusts = strstr(side->asks, "trusting") != NULL;
	pid_t pid = bench_fork(-1);

	if (pid != 0)
		return pid;
	(void)dup2(out, 1);
	if (is_ours)
		ours(sends, trusts, path, side->frame_len);
	theirs(sends, path, side->frame_len);
	return -1;
}

/* The next line that says this word. What else is said is passed over. */
static bool
await(FILE *from, const char *word, double *value)
{
	char line[256];

	while (bench_readable(fileno(from), MOST_SECONDS) &&
	       fgets(line, sizeof(line), from) != NULL)
		if (strncmp(line, word, strlen(word)) == 0) {
			*value = atof(line + strlen(word));
			return true;
		}
	return false;
}

static enum bench_result
measure(const struct bench_side *side, const char *path, double *value)
{
	pid_t receiver, sender = -1;
	bool is_done = false;
	int fds[2];
	FILE *from;

	if (pipe(fds) != 0)
		return BENCH_FAILED;
	from = fdopen(fds[0], "r");
	receiver = start(side, false, path, fds[1]);
	(void)close(fds[1]);
	if (await(from, "ready", value)) {
		sender = start(side, true, path, STDERR_FILENO);
		is_done = await(from, "answer ", value);
	}
	bench_end(sender);
	bench_end(receiver);
	(void)fclose(from);
	return is_done ? BENCH_OK : BENCH_FAILED;
}

enum bench_result
bench_memif(const struct bench_side *side, double *value)
{
	char folder[] = "/tmp/epair-bench-XXXXXX", path[64], program[PATH_MAX];
	enum bench_result result;

	bench_path_of("peer_memif", program, sizeof(program));
	if (strstr(side->asks, "dpdk") != NULL && access(program, X_OK) != 0)
		return bench_missing("net_memif", "peer_memif was not built");
	if (mkdtemp(folder) == NULL)
		return BENCH_FAILED;
	(void)snprintf(path, sizeof(path), "%s/s", folder);
	result = measure(side, path, value);
	(void)unlink(path);
	(void)rmdir(folder);
	return result;
}
