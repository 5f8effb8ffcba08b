/* SPDX-License-Identifier: BSD-2-Clause */
#include "attach/pcap/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/* Reads of a turn: other tasks of the worker wait meanwhile. */
#define READS_MAX 4

/* Without waiting: a FIFO that nobody writes would keep us for ever. */
static int
open_file(const char *path, int lent, struct epair_err *err)
{
	int fd = lent >= 0 ? fcntl(lent, F_DUPFD_CLOEXEC, 0)
			   : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return ep_fail_sys(err, -errno, "read=%.160s", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    lseek(fd, 0, SEEK_SET) != 0) {
		(void)close(fd);
		return ep_fail(
		    err, -EINVAL, "read=%.160s: is no regular file", path);
	}
	return fd;
}

/* Have more octets behind those that were not used yet. */
static int
fill(struct ep_input *in, struct epair_err *err)
{
	ssize_t n;

	memmove(in->buf, in->buf + in->at, in->len - in->at);
	in->len -= in->at;
	in->at = 0;
	do {
		n = read(
		    in->fd, in->buf + in->len, EP_READER_BLOCK_MAX - in->len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return ep_fail_sys(err, -errno, "%.160s", in->path);
	in->len += (size_t)n;
	in->is_eof = n == 0;
	return 0;
}

/* The sentence of the reader, with the file's name in front. */
static int
name_file(const struct ep_input *in, int error, const struct epair_err *why,
    struct epair_err *err)
{
	return ep_fail(err, error, "%.80s: %.160s", in->path, why->text);
}

static int
rewind_file(struct ep_input *in, struct epair_err *err)
{
	if (lseek(in->fd, 0, SEEK_SET) != 0)
		return ep_fail_sys(err, -errno, "%.160s", in->path);
	memset(&in->reader, 0, sizeof(in->reader));
	in->at = in->len = 0;
	in->is_eof = false;
	in->in_pass = 0;
	in->rewinds++;
	return 0;
}

/*
 * Behind the last octet of the file. Returns 1 if it begins again, 0 at the
 * end, or an error.
 */
static int
end_pass(struct ep_input *in, struct epair_err *err)
{
	struct epair_err why;
	int error = ep_reader_end(&in->reader, in->len - in->at, &why);

	if (error != 0)
		return name_file(in, error, &why, err);
	/* A file without packets is not played for ever. */
	if (in->passes == 1 || in->in_pass == 0)
		return 0;
	error = rewind_file(in, err);
	if (error != 0)
		return error;
	if (in->passes > 1)
		in->passes--;
	return 1;
}

static bool
is_wanted(const struct ep_input *in)
{
	return !in->packet.is_drop &&
	       (in->only == EP_READER_DIR_NONE || in->packet.dir == in->only);
}

int
ep_input_peek(struct ep_input *in, const struct ep_reader_packet **packet,
    struct epair_err *err)
{
	struct epair_err why;
	int got, reads = 0;
	size_t used;

	*packet = &in->packet;
	while (!in->has_packet) {
		got = ep_reader_next(&in->reader, in->buf + in->at,
		    in->len - in->at, &used, &in->packet, &why);
		in->at += used;
		if (got < 0)
			return name_file(in, got, &why, err);
		if (got > 0) {
			in->has_packet = is_wanted(in);
			continue;
		}
		if (!in->is_eof && reads++ == READS_MAX)
			return -EAGAIN;
		if (in->is_eof) {
			got = end_pass(in, err);
			if (got <= 0)
				return got;
		} else if ((got = fill(in, err)) != 0) {
			return got;
		}
	}
	return 1;
}

void
ep_input_take(struct ep_input *in)
{
	in->has_packet = false;
	in->in_pass++;
}

int
ep_input_open(struct ep_input *in, const char *path, int lent, uint64_t loop,
    enum ep_reader_dir only, struct epair_err *err)
{
	const struct ep_reader_packet *packet;
	int error;

	*in = (struct ep_input){ .passes = loop, .only = only };
	in->fd = open_file(path, lent, err);
	if (in->fd < 0)
		return in->fd;
	in->path = strdup(path);
	in->buf = malloc(EP_READER_BLOCK_MAX);
	if (in->path == NULL || in->buf == NULL) {
		error = ep_fail(err, -ENOMEM, "no memory to read %.160s", path);
		goto close;
	}
	/* What is wrong with its header is said now, to whom it may concern. */
	error = ep_input_peek(in, &packet, err);
	if (error < 0 && error != -EAGAIN)
		goto close;
	return 0;

close:
	ep_input_close(in);
	return error;
}

void
ep_input_close(struct ep_input *in)
{
	(void)close(in->fd);
	free(in->path);
	free(in->buf);
}
