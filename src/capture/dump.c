/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dump.c - epair_capture_dump(): from the ring through a stage of whole blocks
 * to a descriptor.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
#include "capture/capture.h"
#include "capture/pcapng.h"

/* So many octets go in one write; one frame may take more. */
#define STAGE_SIZE ((size_t)128 << 10)

#define COMMENT_MAX 160

static int
write_all(int fd, const uint8_t *octets, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, octets, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		octets += n;
		len -= (size_t)n;
	}
	return 0;
}

/*
 * Writing to a pipe that nobody reads would kill the program by SIGPIPE. A
 * library that means well answers -EPIPE instead.
 */
static int
write_quietly(int fd, const uint8_t *octets, size_t len)
{
	const struct timespec at_once = { 0 };
	sigset_t sigpipe, before, pending;
	bool was_pending;
	int error;

	(void)sigemptyset(&sigpipe);
	(void)sigaddset(&sigpipe, SIGPIPE);
	(void)sigpending(&pending);
	was_pending = sigismember(&pending, SIGPIPE) == 1;
	(void)pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
	error = write_all(fd, octets, len);
	/* Take back only the one that we caused. */
	if (error == -EPIPE && !was_pending)
		(void)sigtimedwait(&sigpipe, NULL, &at_once);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

/* Records of this end were taken from the ring, and nobody gets them. */
static void
lose(struct epair_capture *cap, unsigned side, uint64_t n)
{
	(void)ep_add_relaxed(&cap->ends[side].lost, n);
	ep_capring_lose(&cap->ring, n);
}

static void
drop_stage(struct epair_capture *cap)
{
	for (unsigned i = 0; i < 2; i++) {
		lose(cap, i, cap->staged[i]);
		cap->staged[i] = 0;
	}
	cap->stage_len = 0;
}

/* What is staged is written, or left to drop_stage(). */
static int
flush(struct epair_capture *cap, int fd)
{
	int error = write_quietly(fd, cap->stage, cap->stage_len);

	if (error != 0)
		return error;
	for (unsigned i = 0; i < 2; i++) {
		cap->written[i] += cap->staged[i];
		cap->staged[i] = 0;
	}
	cap->stage_len = 0;
	return 0;
}

/* Have room for a block of `size` octets. */
static int
make_room(struct epair_capture *cap, int fd, size_t size)
{
	uint8_t *larger;
	int error;

	if (size <= cap->stage_size - cap->stage_len)
		return 0;
	error = cap->stage_len > 0 ? flush(cap, fd) : 0;
	if (error != 0 || size <= cap->stage_size)
		return error;
	if (size < STAGE_SIZE)
		size = STAGE_SIZE;
	larger = realloc(cap->stage, size);
	if (larger == NULL)
		return -ENOMEM;
	cap->stage = larger;
	cap->stage_size = size;
	return 0;
}

/* Where the next block goes, and how much room is there; see make_room(). */
#define BEHIND(cap) \
	(cap)->stage + (cap)->stage_len, (cap)->stage_size - (cap)->stage_len

static int
begin_section(struct epair_capture *cap, int fd)
{
	int error = make_room(cap, fd, (size_t)3 * EP_PCAPNG_OVERHEAD);

	if (error != 0)
		return error;
	cap->stage_len += ep_section_begin(BEHIND(cap), cap->ep);
	for (unsigned i = 0; i < 2; i++) {
		cap->stage_len += ep_section_interface(BEHIND(cap),
		    &cap->ends[i].who, cap->filter.text, cap->snaplen);
		cap->written[i] = 0;
	}
	cap->in_section = true;
	return 0;
}

static int
stage_record(struct epair_capture *cap, int fd, const struct epair_record *rec)
{
	char comment[COMMENT_MAX] = "";
	struct ep_pcapng_packet packet = {
		.interface = (uint32_t)(rec->side - 'a'),
		.caplen = rec->caplen,
		.len = rec->len,
		.flags = ep_section_flags(rec->flags, rec->outbound),
		.data = rec->data,
		.time_ns = rec->time_ns,
		.lost = rec->lost,
		.has_id = true,
		.id = rec->pktid,
		.has_queue = !rec->outbound,
		.queue = rec->queue,
		.comment = comment,
	};
	int error = make_room(cap, fd, rec->caplen + EP_PCAPNG_OVERHEAD);

	if (error != 0) {
		lose(cap, packet.interface, 1);
		return error;
	}
	if (rec->drop >= 0)
		(void)snprintf(comment, sizeof(comment),
		    EP_PCAPNG_DROPPED "%s): %s",
		    epair_drop_word((enum epair_drop)rec->drop),
		    epair_drop_sentence((enum epair_drop)rec->drop));
	cap->stage_len += ep_pcapng_packet(BEHIND(cap), &packet);
	cap->staged[packet.interface]++;
	return 0;
}

/* What waits now: a busy cable would keep us here for ever. */
static int
stage_waiting(struct epair_capture *cap, int fd)
{
	uint64_t mark = ep_capring_mark(&cap->ring);
	const struct epair_record *rec;
	int count = 0, error;

	while (ep_capring_before(&cap->ring, mark) &&
	       (rec = ep_capring_take(&cap->ring)) != NULL) {
		ep_count_add(&cap->ends[rec->side - 'a'].read, 1);
		error = stage_record(cap, fd, rec);
		if (error != 0)
			return error;
		count++;
	}
	return count;
}

static int
end_section(struct epair_capture *cap, int fd)
{
	uint64_t now = ep_sched_now(cap->ep->sched);
	int error = make_room(cap, fd, (size_t)2 * EP_PCAPNG_OVERHEAD);

	if (error != 0)
		return error;
	for (unsigned i = 0; i < 2; i++) {
		const struct ep_capture_end *end = &cap->ends[i];
		struct ep_pcapng_statistics stats = {
			.interface = i,
			.start_ns = cap->opened_ns,
			.end_ns = now,
			.lost = ep_load_relaxed(&end->lost),
			.passed = ep_load_relaxed(&end->passed),
			.seen = ep_load_relaxed(&end->seen),
			.written = cap->written[i] + cap->staged[i],
		};

		cap->stage_len += ep_pcapng_statistics(BEHIND(cap), &stats);
	}
	return 0;
}

int
epair_capture_dump(struct epair_capture *cap, int fd, int last)
{
	int error = cap->in_section ? 0 : begin_section(cap, fd);
	int count = 0;

	if (error == 0)
		error = count = stage_waiting(cap, fd);
	if (error >= 0 && last)
		error = end_section(cap, fd);
	if (error >= 0)
		error = flush(cap, fd);
	if (error < 0)
		drop_stage(cap);
	/* A file that is complete, or torn, is not gone on with. */
	if (error < 0 || last)
		cap->in_section = false;
	return error < 0 ? error : count;
}
