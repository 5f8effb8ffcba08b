/* SPDX-License-Identifier: BSD-2-Clause */
#include "impair/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define TABLE_FILE_MAX (UINT64_C(1) << 20)
#define TRACE_FILE_MAX (UINT64_C(64) << 20)
/* Whoever hands one over may do so for many links of another's process. */
#define HANDED_TRACE_MAX (UINT64_C(4) << 20)

struct text {
	char *octets;
	size_t len;
};

static int
parse_samples(const char *name, const char *text, size_t len,
    struct ep_read **read, struct epair_err *err)
{
	struct ep_samples *table;
	int error = ep_samples_parse(name, text, len, &table, err);

	if (error == 0)
		*read = &table->read;
	return error;
}

static int
parse_trace(const char *name, const char *text, size_t len,
    struct ep_read **read, struct epair_err *err)
{
	struct ep_trace *trace;
	int error = ep_trace_parse(name, text, len, &trace, err);

	if (error == 0)
		*read = &trace->read;
	return error;
}

#define AT(field) offsetof(struct ep_link_conf, field)

const struct ep_link_file ep_link_files[EP_FILE_MAX] = {
	[EP_FILE_TABLE] = { "table", EP_LINK_TABLE, AT(table), TABLE_FILE_MAX,
	    TABLE_FILE_MAX, parse_samples },
	[EP_FILE_SLOTS] = { "slots", EP_LINK_SLOT_TABLE, AT(slot_table),
	    TABLE_FILE_MAX, TABLE_FILE_MAX, parse_samples },
	[EP_FILE_TRACE] = { "trace", EP_LINK_TRACE, AT(trace), TRACE_FILE_MAX,
	    HANDED_TRACE_MAX, parse_trace },
};

_Static_assert(EP_FILE_MAX == EPAIR_LINK_FDS_MAX, "one limit");

int
ep_link_open(const char *path, struct epair_err *err)
{
	/* Nobody is waited for: it may turn out to be a FIFO. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd >= 0 ? fd : ep_fail_sys(err, -errno, "%.120s", path);
}

/* The whole of an open file, from its beginning: others may read it, too. */
static int
read_whole(int fd, size_t size, struct text *text)
{
	text->octets = malloc(size + 1);
	text->len = 0;
	if (text->octets == NULL)
		return -ENOMEM;
	while (text->len < size) {
		ssize_t n = pread(fd, text->octets + text->len,
		    size - text->len, (off_t)text->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int error = -errno;

			free(text->octets);
			*text = (struct text){ .octets = NULL };
			return error;
		}
		if (n == 0)
			break; /* it has become shorter */
		text->len += (size_t)n;
	}
	return 0;
}

/* Gives text->octets, to be freed. */
static int
read_file(const char *path, int fd, uint64_t max, struct text *text,
    struct epair_err *err)
{
	struct stat st;
	int error;

	if (fstat(fd, &st) != 0)
		return ep_fail_sys(err, -errno, "%.120s", path);
	if (!S_ISREG(st.st_mode))
		return ep_fail(
		    err, -EINVAL, "%.120s: is no regular file", path);
	if ((uint64_t)st.st_size > max)
		return ep_fail(err, -EINVAL, "%.120s: has more than %u KiB",
		    path, (unsigned)(max / 1024));
	error = read_whole(fd, (size_t)st.st_size, text);
	return error == 0 ? 0 : ep_fail_sys(err, error, "%.120s", path);
}

static void
end_read(struct ep_read *read)
{
	if (read != NULL && read->fd >= 0)
		(void)close(read->fd);
	free(read);
}

/* Read what is open. keep, if it is one, is *read's from then on. */
static int
load_from(int fd, const char *path, const struct ep_link_file *file, int keep,
    struct ep_read **read, struct epair_err *err)
{
	struct text text = { .octets = NULL };
	int error = read_file(
	    path, fd, keep >= 0 ? file->handed_max : file->max, &text, err);

	if (error != 0)
		return error;
	error = file->parse(path, text.octets, text.len, read, err);
	free(text.octets);
	if (error == 0)
		(*read)->fd = keep;
	return error;
}

static int
load_file(const struct ep_link_file *file, const char *path, int handed,
    struct ep_read **read, struct epair_err *err)
{
	bool is_handed = handed >= 0;
	int fd, error;

	if (is_handed)
		fd = fcntl(handed, F_DUPFD_CLOEXEC, 0);
	else
		fd = ep_link_open(path, err);
	if (fd < 0)
		return is_handed ? ep_fail_sys(err, -errno, "%.120s", path)
				 : fd;
	error = load_from(fd, path, file, is_handed ? fd : -1, read, err);
	if (!is_handed || error != 0)
		(void)close(fd);
	return error;
}

static int
load_filter(const char *words, struct ep_filter **filter, struct epair_err *err)
{
	struct ep_filter *f = malloc(sizeof(*f));
	int error;

	if (f == NULL)
		return ep_fail(err, -ENOMEM, "no memory for a filter");
	error = ep_filter_init(f, words, err);
	if (error != 0)
		free(f);
	else
		*filter = f;
	return error;
}

int
ep_link_load(const struct ep_link_conf *conf, unsigned named,
    const struct ep_fds *with, struct ep_link_parts *parts,
    struct epair_err *err)
{
	int error = 0;

	*parts = (struct ep_link_parts){ .filter = NULL };
	for (unsigned i = 0; i < EP_FILE_MAX && error == 0; i++) {
		const struct ep_link_file *file = &ep_link_files[i];

		if ((named & file->part) != 0)
			error = load_file(file, ep_link_path(conf, file),
			    ep_fds_find(with, file->name, 0), &parts->read[i],
			    err);
	}
	if (error == 0 && (named & EP_LINK_FILTER) != 0)
		error = load_filter(conf->filter, &parts->filter, err);
	if (error != 0)
		ep_link_parts_fini(parts);
	return error;
}

static void
end_filter(struct ep_filter *f)
{
	if (f == NULL)
		return;
	ep_filter_fini(f);
	free(f);
}

void
ep_link_replace(struct ep_link_parts *parts, struct ep_link_parts *from,
    const struct ep_link_conf *conf)
{
	for (unsigned i = 0; i < EP_FILE_MAX; i++)
		if (from->read[i] != NULL ||
		    ep_link_path(conf, &ep_link_files[i])[0] == '\0') {
			end_read(parts->read[i]);
			parts->read[i] = from->read[i];
		}
	if (from->filter != NULL || conf->filter[0] == '\0') {
		end_filter(parts->filter);
		parts->filter = from->filter;
	}
	*from = (struct ep_link_parts){ .filter = NULL };
}

void
ep_link_parts_fini(struct ep_link_parts *parts)
{
	for (unsigned i = 0; i < EP_FILE_MAX; i++)
		end_read(parts->read[i]);
	end_filter(parts->filter);
	*parts = (struct ep_link_parts){ .filter = NULL };
}
