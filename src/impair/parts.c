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

const struct ep_link_file ep_link_files[] = {
	{ "table", EP_LINK_TABLE, offsetof(struct ep_link_conf, table) },
	{ "slots", EP_LINK_SLOT_TABLE,
	    offsetof(struct ep_link_conf, slot_table) },
	{ "trace", EP_LINK_TRACE, offsetof(struct ep_link_conf, trace) },
};

const unsigned ep_link_file_count = sizeof(ep_link_files) /
				    sizeof(ep_link_files[0]);

_Static_assert(
    sizeof(ep_link_files) / sizeof(ep_link_files[0]) == EPAIR_LINK_FDS_MAX,
    "one limit");

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
end_table(struct ep_samples *table)
{
	if (table != NULL && table->fd >= 0)
		(void)close(table->fd);
	free(table);
}

static void
end_trace(struct ep_trace *trace)
{
	if (trace != NULL && trace->fd >= 0)
		(void)close(trace->fd);
	free(trace);
}

int
ep_link_fd(const struct ep_link_parts *parts, unsigned part)
{
	const struct ep_samples *table = part == EP_LINK_TABLE
					     ? parts->table
					     : parts->slot_table;

	if (part == EP_LINK_TRACE)
		return parts->trace != NULL ? parts->trace->fd : -1;
	return table != NULL ? table->fd : -1;
}

static uint64_t
most_octets(unsigned part, bool is_handed)
{
	if (part != EP_LINK_TRACE)
		return TABLE_FILE_MAX;
	return is_handed ? HANDED_TRACE_MAX : TRACE_FILE_MAX;
}

/* Read what is open. *keep, if it is one, is the part's from then on. */
static int
load_from(int fd, const char *path, unsigned part, int *keep,
    struct ep_link_parts *parts, struct epair_err *err)
{
	struct ep_samples **table = part == EP_LINK_TABLE ? &parts->table
							  : &parts->slot_table;
	bool is_trace = part == EP_LINK_TRACE;
	struct text text = { .octets = NULL };
	int error = read_file(
	    path, fd, most_octets(part, *keep >= 0), &text, err);

	if (error != 0)
		return error;
	if (is_trace)
		error = ep_trace_parse(
		    path, text.octets, text.len, &parts->trace, err);
	else
		error = ep_samples_parse(
		    path, text.octets, text.len, table, err);
	free(text.octets);
	if (error != 0)
		return error;
	if (is_trace)
		parts->trace->fd = *keep;
	else
		(*table)->fd = *keep;
	*keep = -1;
	return 0;
}

static int
load_file(const struct ep_link_file *file, const char *path, int handed,
    struct ep_link_parts *parts, struct epair_err *err)
{
	bool is_handed = handed >= 0;
	int fd, keep = -1, error;

	if (is_handed)
		fd = keep = fcntl(handed, F_DUPFD_CLOEXEC, 0);
	else
		fd = ep_link_open(path, err);
	if (fd < 0)
		return is_handed ? ep_fail_sys(err, -errno, "%.120s", path)
				 : fd;
	error = load_from(fd, path, file->part, &keep, parts, err);
	if (!is_handed || keep >= 0)
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

	*parts = (struct ep_link_parts){ .table = NULL };
	for (unsigned i = 0; i < ep_link_file_count && error == 0; i++) {
		const struct ep_link_file *file = &ep_link_files[i];

		if ((named & file->part) != 0)
			error = load_file(file, ep_link_path(conf, file),
			    ep_fds_find(with, file->name, 0), parts, err);
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

static void
replace_table(
    struct ep_samples **had, struct ep_samples *with, const char *path)
{
	if (with == NULL && path[0] != '\0')
		return;
	end_table(*had);
	*had = with;
}

void
ep_link_replace(struct ep_link_parts *parts, struct ep_link_parts *from,
    const struct ep_link_conf *conf)
{
	replace_table(&parts->table, from->table, conf->table);
	replace_table(&parts->slot_table, from->slot_table, conf->slot_table);
	if (from->filter != NULL || conf->filter[0] == '\0') {
		end_filter(parts->filter);
		parts->filter = from->filter;
	}
	if (from->trace != NULL || conf->trace[0] == '\0') {
		end_trace(parts->trace);
		parts->trace = from->trace;
	}
	*from = (struct ep_link_parts){ .table = NULL };
}

void
ep_link_parts_fini(struct ep_link_parts *parts)
{
	end_table(parts->table);
	end_table(parts->slot_table);
	end_filter(parts->filter);
	end_trace(parts->trace);
	*parts = (struct ep_link_parts){ .table = NULL };
}
