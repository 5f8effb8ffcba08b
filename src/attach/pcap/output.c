/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/pcap/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "capture/capture.h"
#include "capture/pcapng.h"
#include "capture/section.h"
#include "mbuf/flat.h"

/* One write takes no more. The longest frame fits, and so do two headers. */
#define STAGE_SIZE ((size_t)EP_CAPTURE_SNAPLEN + EP_PCAPNG_OVERHEAD)

/* Empty it, but for what is lent. */
static int
check_file(int fd, int in_fd, bool is_lent, const char *path, uint64_t *end,
    struct epair_err *err)
{
	struct stat st, in_st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return ep_fail(
		    err, -EINVAL, "write=%.160s: is no regular file", path);
	if (in_fd >= 0 && fstat(in_fd, &in_st) == 0 &&
	    st.st_dev == in_st.st_dev && st.st_ino == in_st.st_ino)
		return ep_fail(err, -EINVAL,
		    "write=%.160s: is the file that is read", path);
	*end = is_lent ? (uint64_t)st.st_size : 0;
	if (!is_lent && ftruncate(fd, 0) != 0)
		return ep_fail_sys(err, -errno, "write=%.160s", path);
	return 0;
}

/*
 * All that is staged, or nothing: what a full disk has taken of it is cut off
 * again, so that the file stays one that can be read.
 */
static int
flush(struct ep_output *out) EP_REQUIRES(out->lock)
{
	size_t done = 0, len = out->stage_len;
	int error = 0;
	ssize_t n;

	out->stage_len = 0;
	while (done < len && error == 0) {
		n = pwrite(out->fd, out->stage + done, len - done,
		    (off_t)(out->offset + done));
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			error = n == 0 ? -ENOSPC : -errno;
	}
	if (error == 0)
		out->offset += len;
	else if (ftruncate(out->fd, (off_t)out->offset) != 0)
		return -errno;
	return error;
}

static int
begin(struct ep_output *out, struct epair_if *ifp, struct epair_err *err)
{
	struct ep_section_if who;
	int error;

	ep_section_look(ifp, &who);
	ep_lock(&out->lock);
	out->stage_len = ep_section_begin(out->stage, STAGE_SIZE, ifp->ep);
	out->stage_len += ep_section_interface(out->stage + out->stage_len,
	    STAGE_SIZE - out->stage_len, &who, NULL, EP_CAPTURE_SNAPLEN);
	error = flush(out);
	ep_unlock(&out->lock);
	if (error != 0)
		return ep_fail_sys(err, error, "write=%.160s", out->path);
	return 0;
}

static void
output_free(struct ep_output *out) EP_NO_TSA
{
	ep_mutex_fini(&out->lock);
	(void)close(out->fd);
	free(out->path);
	free(out->stage);
	free(out->flat);
}

int
ep_output_open(struct ep_output *out, const char *path, int lent, int in_fd,
    struct epair_if *ifp, struct epair_err *err) EP_NO_TSA
{
	int error, fd;

	if (lent >= 0)
		fd = fcntl(lent, F_DUPFD_CLOEXEC, 0);
	else
		fd = open(
		    path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
	if (fd < 0)
		return ep_fail_sys(err, -errno, "write=%.160s", path);
	*out = (struct ep_output){
		.fd = fd,
		.path = strdup(path),
		.stage = malloc(STAGE_SIZE),
		.start_ns = ep_sched_now(ifp->ep->sched),
	};
	ep_mutex_init(&out->lock);
	error = check_file(fd, in_fd, lent >= 0, path, &out->offset, err);
	if (error == 0 && (out->path == NULL || out->stage == NULL))
		error = ep_fail(
		    err, -ENOMEM, "no memory to write %.160s", path);
	if (error == 0)
		error = begin(out, ifp, err);
	if (error != 0)
		output_free(out);
	return error;
}

void
ep_output_close(struct ep_output *out, uint64_t now_ns)
{
	struct ep_pcapng_statistics stats = {
		.start_ns = out->start_ns,
		.end_ns = now_ns,
	};

	ep_lock(&out->lock);
	stats.seen = stats.passed = out->seen;
	stats.lost = out->seen - out->written;
	stats.written = out->written;
	out->stage_len = ep_pcapng_statistics(out->stage, STAGE_SIZE, &stats);
	/* Nobody is left to be told. */
	(void)flush(out);
	ep_unlock(&out->lock);
	output_free(out);
}

/* The frame in one piece; NULL when there is no memory to make it one. */
static const uint8_t *
in_one_piece(struct ep_output *out, struct epair_mbuf *m, uint32_t caplen)
    EP_REQUIRES(out->lock)
{
	const uint8_t *octets = ep_flat_in_place(m);

	if (octets != NULL)
		return octets;
	if (out->flat == NULL)
		out->flat = malloc(EP_CAPTURE_SNAPLEN);
	if (out->flat != NULL)
		ep_flat_finish(m, out->flat, caplen);
	return out->flat;
}

/* Stage one frame, which has the room. */
static int
stage(struct ep_output *out, struct epair_mbuf *m, unsigned queue,
    uint64_t now_ns) EP_REQUIRES(out->lock)
{
	uint32_t len = ep_flat_len(m);
	struct ep_pcapng_packet packet = {
		.caplen = len < EP_CAPTURE_SNAPLEN ? len : EP_CAPTURE_SNAPLEN,
		.len = len,
		.flags = ep_section_flags(m->flags, false),
		.time_ns = now_ns,
		.has_queue = true,
		.queue = queue,
	};

	packet.data = in_one_piece(out, m, packet.caplen);
	if (packet.data == NULL)
		return -ENOMEM;
	out->stage_len += ep_pcapng_packet(
	    out->stage + out->stage_len, STAGE_SIZE - out->stage_len, &packet);
	return 0;
}

/* Stage them all, writing whenever there is no more room. */
static int
stage_all(struct ep_output *out, struct epair_mbuf *const *ms, unsigned n,
    unsigned queue, uint64_t now_ns, unsigned *done) EP_REQUIRES(out->lock)
{
	int error;

	for (unsigned i = 0; i < n; i++) {
		size_t need = ep_flat_len(ms[i]) + EP_PCAPNG_OVERHEAD;

		if (out->stage_len > 0 && need > STAGE_SIZE - out->stage_len) {
			error = flush(out);
			if (error != 0)
				return error;
			*done = i;
		}
		error = stage(out, ms[i], queue, now_ns);
		if (error != 0)
			return error;
	}
	error = flush(out);
	if (error == 0)
		*done = n;
	return error;
}

int
ep_output_put(struct ep_output *out, struct epair_mbuf *const *ms, unsigned n,
    unsigned queue, uint64_t now_ns, unsigned *done)
{
	int error;

	*done = 0;
	ep_lock(&out->lock);
	error = stage_all(out, ms, n, queue, now_ns, done);
	/* What was staged and not written is not in the file. */
	out->stage_len = 0;
	out->seen += n;
	out->written += *done;
	ep_unlock(&out->lock);
	return error;
}
