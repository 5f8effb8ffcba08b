/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/fail.h"
#include "ctl/journal_priv.h"

#define STATE     "state"
#define STATE_NEW "state.new"
#define LOCK      "lock"

/* A file of less than this, or less than half dead, is not written anew. */
#define COMPACT_MIN ((size_t)256 << 10)

struct ctl_journal {
	int folder, lock, fd;
	char *path; /* of the folder, for sentences */
	json_t *all; /* as at the last commit */
	size_t size; /* of the file: its last `end` */
	size_t live; /* octets that a file with only `all` in it has */
	/* The change that is being made: a text, or null: to be deleted. */
	json_t *next;
	int error; /* why it cannot be */
	bool is_broken; /* what is on disk is not known: it is written anew */
};

static int
fail_sys(const struct ctl_journal *j, int code, const char *what,
    struct epair_err *err)
{
	return ctl_fail(
	    err, code, "%s %.150s: %s", what, j->path, strerrordesc_np(-code));
}

/* Octets of the line that sets a key. */
static size_t
line_size(const char *key, const char *text)
{
	return CTL_JOURNAL_LINE_EXTRA + strlen(key) + strlen(text) - 1;
}

/* The change that is being made. */

static void
add(struct ctl_journal *j, const char *key, json_t *text)
{
	if (j->error != 0)
		json_decref(text);
	else if (json_object_set_new_nocheck(j->next, key, text) != 0)
		j->error = -ENOMEM;
}

void
ctl_journal_set(struct ctl_journal *j, const char *key, const char *text)
{
	if (!ctl_journal_is_key(key, strlen(key)) ||
	    !ctl_journal_is_text(text, strlen(text)))
		j->error = -EINVAL;
	else
		add(j, key, json_string_nocheck(text));
}

void
ctl_journal_del(struct ctl_journal *j, const char *key)
{
	if (ctl_journal_get(j, key) != NULL)
		add(j, key, json_null());
	else if (j->error == 0)
		(void)json_object_del(j->next, key);
}

void
ctl_journal_abandon(struct ctl_journal *j)
{
	(void)json_object_clear(j->next);
	j->error = 0;
}

/* Its lines. */

struct lines {
	char *buf;
	size_t len, room;
	size_t count;
};

static int
have_room(struct lines *lines, size_t octets)
{
	size_t want = lines->len + octets;
	char *buf;

	if (want <= lines->room)
		return 0;
	want = want < 2 * lines->room ? 2 * lines->room : want;
	buf = realloc(lines->buf, want);
	if (buf == NULL)
		return -ENOMEM;
	lines->buf = buf;
	lines->room = want;
	return 0;
}

static int
add_line(struct lines *lines, const char *op, const char *key, const char *text)
{
	size_t room = CTL_JOURNAL_LINE_EXTRA + strlen(key) + strlen(text) + 1;
	char *line, sum[9];
	int len;

	if (have_room(lines, room) != 0)
		return -ENOMEM;
	line = lines->buf + lines->len;
	len = snprintf(line, room, "%08x %s %s%s%s", 0u, op, key,
	    *text != '\0' ? " " : "", text);
	(void)snprintf(sum, sizeof(sum), "%08x",
	    ctl_journal_crc(line + 9, (size_t)len - 9));
	memcpy(line, sum, 8);
	line[len] = '\n';
	lines->len += (size_t)len + 1;
	lines->count++;
	return 0;
}

/* What is in `all`, as one change. To be freed, also after a failure. */
static int
make_lines(struct lines *lines, json_t *all)
{
	const char *key;
	char count[24];
	json_t *text;
	int error = 0;

	json_object_foreach(all, key, text) if (error == 0)
	    error = json_is_null(text)
			? add_line(lines, "del", key, "")
			: add_line(lines, "set", key, json_string_value(text));
	(void)snprintf(count, sizeof(count), "%zu", lines->count);
	if (error == 0 && lines->count > 0)
		error = add_line(lines, "end", count, "");
	return error;
}

/* On disk. */

static int
write_all(int fd, const char *octets, size_t len, size_t at)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, octets, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		octets += n;
		at += (size_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* Append, or leave the file as it was. */
static int
append(struct ctl_journal *j, const struct lines *lines)
{
	int error = write_all(j->fd, lines->buf, lines->len, j->size);

	if (error == 0 && fdatasync(j->fd) != 0)
		error = -errno;
	if (error == 0) {
		j->size += lines->len;
		return 0;
	}
	if (ftruncate(j->fd, (off_t)j->size) != 0 || fdatasync(j->fd) != 0)
		j->is_broken = true;
	return error;
}

static void
measure_live(struct ctl_journal *j)
{
	const char *key;
	json_t *text;

	j->live = strlen(CTL_JOURNAL_HEAD);
	json_object_foreach(j->all, key, text)
	    j->live += line_size(key, json_string_value(text));
}

/* A file that says nothing but what is so; its descriptor, or an error. */
static int
write_anew(struct ctl_journal *j, size_t *size)
{
	const size_t head = strlen(CTL_JOURNAL_HEAD);
	struct lines lines = { .buf = NULL };
	int error = make_lines(&lines, j->all), fd = -1;

	if (error == 0) {
		fd = openat(j->folder, STATE_NEW,
		    O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		error = fd < 0 ? -errno : 0;
	}
	if (error == 0)
		error = write_all(fd, CTL_JOURNAL_HEAD, head, 0);
	if (error == 0)
		error = write_all(fd, lines.buf, lines.len, head);
	if (error == 0 && fsync(fd) != 0)
		error = -errno;
	if (fd >= 0 && error != 0)
		(void)close(fd);
	*size = head + lines.len;
	free(lines.buf);
	return error != 0 ? error : fd;
}

/* Put a new file in the place of the old one. */
static int
compact(struct ctl_journal *j)
{
	size_t size;
	int fd = write_anew(j, &size);

	if (fd < 0)
		return fd;
	if (renameat(j->folder, STATE_NEW, j->folder, STATE) != 0) {
		int error = -errno;

		(void)close(fd);
		return error;
	}
	/* Who comes after us finds this one, so the old one is of no use. */
	if (j->fd >= 0)
		(void)close(j->fd);
	j->fd = fd;
	j->size = size;
	j->is_broken = fsync(j->folder) != 0;
	return j->is_broken ? -errno : 0;
}

static int
mend(struct ctl_journal *j, struct epair_err *err)
{
	int error = j->is_broken ? compact(j) : 0;

	return error == 0
		   ? 0
		   : fail_sys(j, error, "cannot write the state in", err);
}

int
ctl_journal_reserve(struct ctl_journal *j, size_t octets, struct epair_err *err)
{
	int error = mend(j, err);

	if (error != 0)
		return error;
	/* What a file system cannot promise is found out by the commit. */
	if (fallocate(j->fd, FALLOC_FL_KEEP_SIZE, (off_t)j->size,
		(off_t)octets) == 0 ||
	    errno == EOPNOTSUPP || errno == ENOSYS || errno == EINTR)
		return 0;
	return fail_sys(j, -errno, "cannot write the state in", err);
}

/*
 * Have in memory what the change sets; what was there before is kept in `old`,
 * null if nothing. All that can fail.
 */
static int
set_ahead(struct ctl_journal *j, json_t *old)
{
	json_t *was, *text;
	const char *key;

	json_object_foreach(j->next, key, text)
	{
		if (json_is_null(text))
			continue;
		was = json_object_get(j->all, key);
		if (json_object_set_new_nocheck(old, key,
			was != NULL ? json_incref(was) : json_null()) != 0 ||
		    json_object_set_nocheck(j->all, key, text) != 0)
			return -ENOMEM;
	}
	return 0;
}

static void
set_back(struct ctl_journal *j, json_t *old)
{
	const char *key;
	json_t *was;

	json_object_foreach(old, key, was)
	{
		if (json_is_null(was))
			(void)json_object_del(j->all, key);
		else
			(void)json_object_set_nocheck(j->all, key, was);
	}
}

static void
delete_dead(struct ctl_journal *j)
{
	const char *key;
	json_t *text;

	json_object_foreach(j->next, key, text) if (json_is_null(text))(void)
	    json_object_del(j->all, key);
}

/* Nothing of this fails the change: all is in the old file, too. */
static void
compact_if_dead(struct ctl_journal *j)
{
	if (j->size <= COMPACT_MIN || j->size <= 2 * j->live)
		return;
	measure_live(j);
	if (j->size > 2 * j->live)
		(void)compact(j);
}

int
ctl_journal_commit(struct ctl_journal *j, struct epair_err *err)
{
	struct lines lines = { .buf = NULL };
	int error = mend(j, err); /* while `all` is what it was */
	json_t *old;

	if (error != 0) {
		ctl_journal_abandon(j);
		return error;
	}
	old = json_object();
	error = old == NULL ? -ENOMEM : j->error;
	if (error == 0)
		error = make_lines(&lines, j->next);
	if (error == 0)
		error = set_ahead(j, old);
	if (error != 0)
		(void)ctl_fail(
		    err, error, "what is to be kept cannot be written down");
	if (error == 0 && lines.len > 0)
		error = ctl_journal_reserve(j, lines.len, err);
	if (error == 0 && (error = append(j, &lines)) != 0)
		(void)fail_sys(j, error, "cannot write the state in", err);
	if (error == 0)
		delete_dead(j);
	else
		set_back(j, old);
	json_decref(old);
	free(lines.buf);
	ctl_journal_abandon(j);
	if (error == 0)
		compact_if_dead(j);
	return error;
}

/* Life. */

static int
take_lock(struct ctl_journal *j, struct epair_err *err)
{
	char who[16] = "";

	j->lock = openat(j->folder, LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (j->lock < 0)
		return fail_sys(j, -errno, "cannot lock", err);
	if (flock(j->lock, LOCK_EX | LOCK_NB) != 0) {
		int error = errno == EWOULDBLOCK ? -EBUSY : -errno;

		if (pread(j->lock, who, sizeof(who) - 1, 0) < 0)
			who[0] = '\0';
		return ctl_fail(err, error, "%.150s is in use by process %ld",
		    j->path, strtol(who, NULL, 10));
	}
	/* Of one length: no more room is needed on a disk that is full. */
	(void)snprintf(who, sizeof(who), "%-10d\n", (int)getpid());
	if (pwrite(j->lock, who, strlen(who), 0) < 0)
		return fail_sys(j, -errno, "cannot lock", err);
	return 0;
}

static int
read_file(struct ctl_journal *j, bool is_handed, struct epair_err *err)
{
	struct epair_err why;
	struct stat st;
	void *octets;
	int error;

	if (fstat(j->fd, &st) != 0)
		return fail_sys(j, -errno, "cannot read the state in", err);
	if (st.st_size == 0)
		return ctl_fail(err, -EINVAL,
		    "%.150s/" STATE
		    " is empty; remove it to begin with nothing",
		    j->path);
	octets = mmap(
	    NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, j->fd, 0);
	if (octets == MAP_FAILED)
		return fail_sys(j, -errno, "cannot read the state in", err);
	error = ctl_journal_read(
	    octets, (size_t)st.st_size, j->all, &j->size, &why);
	(void)munmap(octets, (size_t)st.st_size);
	if (error != 0)
		return ctl_fail(
		    err, error, "%.100s/" STATE ": %s", j->path, why.text);
	/* Who hands over may go on with it: before, nothing is written. */
	if (is_handed && (size_t)st.st_size > j->size)
		j->is_broken = true;
	else if ((size_t)st.st_size > j->size &&
		 (ftruncate(j->fd, (off_t)j->size) != 0 ||
		     fdatasync(j->fd) != 0))
		return fail_sys(j, -errno, "cannot mend the state in", err);
	return 0;
}

static int
open_folder(struct ctl_journal *j, struct epair_err *err)
{
	if (mkdir(j->path, 0700) != 0 && errno != EEXIST)
		return fail_sys(j, -errno, "cannot make", err);
	j->folder = open(j->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->folder < 0)
		return fail_sys(j, -errno, "cannot open", err);
	return 0;
}

static int
open_state(struct ctl_journal *j, bool is_handed, struct epair_err *err)
{
	int error;

	j->fd = openat(j->folder, STATE, O_RDWR | O_CLOEXEC);
	if (j->fd >= 0)
		return read_file(j, is_handed, err);
	if (errno != ENOENT)
		return fail_sys(j, -errno, "cannot open the state in", err);
	error = compact(j);
	if (error != 0)
		return fail_sys(j, error, "cannot write the state in", err);
	return 0;
}

int
ctl_journal_open(const char *folder, int lock, struct ctl_journal **jp,
    struct epair_err *err)
{
	struct ctl_journal *j = calloc(1, sizeof(*j));
	int error;

	if (j == NULL)
		return ctl_fail(err, -ENOMEM, "no memory for the state");
	j->folder = j->fd = -1;
	j->lock = lock;
	j->path = strdup(folder);
	j->all = json_object();
	j->next = json_object();
	if (j->path == NULL || j->all == NULL || j->next == NULL) {
		ctl_journal_close(j);
		return ctl_fail(err, -ENOMEM, "no memory for the state");
	}
	error = open_folder(j, err);
	if (error == 0 && lock < 0)
		error = take_lock(j, err);
	if (error == 0)
		error = open_state(j, lock >= 0, err);
	if (error != 0) {
		ctl_journal_close(j);
		return error;
	}
	measure_live(j);
	*jp = j;
	return 0;
}

static void
close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

void
ctl_journal_close(struct ctl_journal *j)
{
	if (j == NULL)
		return;
	close_fd(j->fd);
	close_fd(j->lock);
	close_fd(j->folder);
	json_decref(j->all);
	json_decref(j->next);
	free(j->path);
	free(j);
}

int
ctl_journal_lock(const struct ctl_journal *j)
{
	return j->lock;
}

int
ctl_journal_folder(const struct ctl_journal *j)
{
	return j->folder;
}

const char *
ctl_journal_get(const struct ctl_journal *j, const char *key)
{
	return json_string_value(json_object_get(j->all, key));
}

json_t *
ctl_journal_all(const struct ctl_journal *j)
{
	return j->all;
}
