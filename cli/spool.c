/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cable.h"
#include "cli/capture.h"
#include "cli/cli.h"

/* Types of blocks (draft-ietf-opsawg-pcapng). */
#define BLOCK_SECTION   0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET    6u
/* A block of ours is a frame and its options. */
#define BLOCK_MIN 12u
#define BLOCK_MAX (1u << 20)
#define PATH_LEN  4096

static int
complain(const struct spool *s, const char *path, int error)
{
	cli_complain(s->cli, "%s: %s", path, strerror(error));
	return CLI_FAILED;
}

/* FILE, FILE.1, FILE.2 ... */
static const char *
name_of(const struct spool *s, uint64_t number, char path[PATH_LEN])
{
	if (number == 0)
		(void)snprintf(path, PATH_LEN, "%s", s->path);
	else
		(void)snprintf(path, PATH_LEN, "%s.%" PRIu64, s->path, number);
	return path;
}

static int
write_all(struct spool *s, const char *data, size_t len)
{
	char path[PATH_LEN];

	s->bytes += len;
	while (len > 0) {
		ssize_t n = write(s->fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		/* Whoever reads has seen enough: that is no fault. */
		if (n < 0 && errno == EPIPE) {
			s->is_over = true;
			return CLI_OK;
		}
		if (n < 0)
			return complain(s, name_of(s, s->number, path), errno);
		data += n;
		len -= (size_t)n;
	}
	return CLI_OK;
}

int
spool_open(struct spool *s)
{
	char path[PATH_LEN];

	if (strcmp(s->path, "-") == 0) {
		s->fd = STDOUT_FILENO;
		return CLI_OK;
	}
	s->fd = open(name_of(s, s->number, path),
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (s->fd < 0)
		return complain(s, path, errno);
	s->bytes = 0;
	s->opened_ns = cable_clock();
	return CLI_OK;
}

static int
close_file(struct spool *s)
{
	char path[PATH_LEN];
	int fd = s->fd;

	s->fd = -1;
	if (fd < 0 || fd == STDOUT_FILENO || close(fd) == 0)
		return CLI_OK;
	return complain(s, name_of(s, s->number, path), errno);
}

/* Whether a block of len more is for the next file. */
static bool
is_full(const struct spool *s, size_t len)
{
	if (s->fd == STDOUT_FILENO || s->bytes <= s->header_len)
		return false;
	return (s->bytes_max > 0 && s->bytes + len > s->bytes_max) ||
	       (s->age_ns > 0 && cable_clock() - s->opened_ns >= s->age_ns);
}

static int
rotate(struct spool *s)
{
	char path[PATH_LEN];
	int status = close_file(s);

	if (status != CLI_OK)
		return status;
	s->number++;
	if (s->files_max > 0 && s->number >= s->files_max)
		(void)unlink(name_of(s, s->number - s->files_max, path));
	status = spool_open(s);
	return status == CLI_OK ? write_all(s, s->header, s->header_len)
				: status;
}

static int
keep_header(struct spool *s, const char *block, size_t len)
{
	char *header = realloc(s->header, s->header_len + len);

	if (header == NULL)
		return complain(s, s->path, ENOMEM);
	memcpy(header + s->header_len, block, len);
	s->header = header;
	s->header_len += len;
	return CLI_OK;
}

static int
put_block(struct spool *s, const char *block, uint32_t type, size_t len)
{
	int status = CLI_OK;

	if (type != BLOCK_SECTION && type != BLOCK_INTERFACE)
		s->is_begun = true;
	if (!s->is_begun)
		status = keep_header(s, block, len);
	else if (is_full(s, len))
		status = rotate(s);
	if (status == CLI_OK && !s->is_over)
		status = write_all(s, block, len);
	if (type == BLOCK_PACKET && ++s->packets == s->packets_max)
		s->is_over = true;
	return status;
}

/* Keep octets until their block is whole. */
static int
collect(struct spool *s, const char *data, size_t len)
{
	char *buf;

	if (s->size - s->len < len) {
		buf = realloc(s->buf, s->len + len);
		if (buf == NULL)
			return complain(s, s->path, ENOMEM);
		s->buf = buf;
		s->size = s->len + len;
	}
	memcpy(s->buf + s->len, data, len);
	s->len += len;
	return CLI_OK;
}

int
spool_put(struct spool *s, const char *data, size_t len)
{
	size_t done = 0;
	uint32_t head[2]; /* type, and length of all */
	int status = collect(s, data, len);

	/* The daemon writes in the order of this machine's octets. */
	while (
	    status == CLI_OK && !s->is_over && s->len - done >= sizeof(head)) {
		memcpy(head, s->buf + done, sizeof(head));
		if (head[1] < BLOCK_MIN || head[1] > BLOCK_MAX) {
			cli_complain(
			    s->cli, "what the daemon sends is no capture");
			return CLI_FAILED;
		}
		if (s->len - done < head[1])
			break;
		status = put_block(s, s->buf + done, head[0], head[1]);
		done += head[1];
	}
	memmove(s->buf, s->buf + done, s->len - done);
	s->len -= done;
	return status;
}

int
spool_close(struct spool *s)
{
	int status = close_file(s);

	free(s->buf);
	free(s->header);
	return status;
}
