/* SPDX-License-Identifier: BSD-2-Clause */
#include "impair/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define TABLE_FILE_MAX (UINT64_C(1) << 20)
#define TRACE_FILE_MAX (UINT64_C(64) << 20)

struct text {
	char *octets;
	size_t len;
};

/* The whole of an open file. */
static int
read_whole(int fd, size_t size, struct text *text)
{
	text->octets = malloc(size + 1);
	text->len = 0;
	if (text->octets == NULL)
		return -ENOMEM;
	while (text->len < size) {
		ssize_t n = read(
		    fd, text->octets + text->len, size - text->len);

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
read_file(
    const char *path, uint64_t max, struct text *text, struct epair_err *err)
{
	/* Nobody is waited for: it may turn out to be a FIFO. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int error = 0;

	if (fd < 0)
		return ep_fail_sys(err, -errno, "%.120s", path);
	if (fstat(fd, &st) != 0)
		error = ep_fail_sys(err, -errno, "%.120s", path);
	else if (!S_ISREG(st.st_mode))
		error = ep_fail(
		    err, -EINVAL, "%.120s: is no regular file", path);
	else if ((uint64_t)st.st_size > max)
		error = ep_fail(err, -EINVAL, "%.120s: has more than %u KiB",
		    path, (unsigned)(max / 1024));
	if (error == 0) {
		error = read_whole(fd, (size_t)st.st_size, text);
		if (error != 0)
			(void)ep_fail_sys(err, error, "%.120s", path);
	}
	(void)close(fd);
	return error;
}

static int
load_table(const char *path, struct ep_samples **table, struct epair_err *err)
{
	struct text text = { .octets = NULL };
	int error = read_file(path, TABLE_FILE_MAX, &text, err);

	if (error != 0)
		return error;
	error = ep_samples_parse(path, text.octets, text.len, table, err);
	free(text.octets);
	return error;
}

static int
load_trace(const char *path, struct ep_trace **trace, struct epair_err *err)
{
	struct text text = { .octets = NULL };
	int error = read_file(path, TRACE_FILE_MAX, &text, err);

	if (error != 0)
		return error;
	error = ep_trace_parse(path, text.octets, text.len, trace, err);
	free(text.octets);
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
    struct ep_link_parts *parts, struct epair_err *err)
{
	int error = 0;

	*parts = (struct ep_link_parts){ .table = NULL };
	if (named & EP_LINK_TABLE)
		error = load_table(conf->table, &parts->table, err);
	if (error == 0 && named & EP_LINK_SLOT_TABLE)
		error = load_table(conf->slot_table, &parts->slot_table, err);
	if (error == 0 && named & EP_LINK_FILTER)
		error = load_filter(conf->filter, &parts->filter, err);
	if (error == 0 && named & EP_LINK_TRACE)
		error = load_trace(conf->trace, &parts->trace, err);
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
	free(*had);
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
		free(parts->trace);
		parts->trace = from->trace;
	}
	*from = (struct ep_link_parts){ .table = NULL };
}

void
ep_link_parts_fini(struct ep_link_parts *parts)
{
	free(parts->table);
	free(parts->slot_table);
	end_filter(parts->filter);
	free(parts->trace);
	*parts = (struct ep_link_parts){ .table = NULL };
}
