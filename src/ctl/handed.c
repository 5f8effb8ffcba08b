/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/handed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/stray.h"
#include "ctl/fail.h"

/* Takes the descriptor if it can; there is room. */
static bool
add(struct ctl_handed *h, const char *name, int fd)
{
	char *copy = strdup(name);

	if (copy == NULL)
		return false;
	h->fds[h->count++] = (struct epair_fd){ copy, fd };
	return true;
}

/* Room for n. */
static bool
make_room(struct ctl_handed *h, unsigned n)
{
	*h = (struct ctl_handed){ 0 };
	h->fds = calloc(n, sizeof(*h->fds));
	return h->fds != NULL;
}

static int
take(struct ctl_handed *h, const char *name, int fd, struct epair_err *err)
{
	if (name == NULL)
		return ctl_fail(err, -EINVAL, "fds: must be strings");
	if (!add(h, name, fd))
		return ctl_fail(err, -ENOMEM, "no memory for descriptors");
	return 0;
}

int
ctl_handed_init(struct ctl_handed *h, json_t *names, const int *fds, unsigned n,
    struct epair_err *err)
{
	int error = 0;

	if (!make_room(h, n > 0 ? n : 1)) {
		for (unsigned i = 0; i < n; i++)
			ep_stray_close(fds[i]);
		return ctl_fail(err, -ENOMEM, "no memory for descriptors");
	}
	for (unsigned i = 0; i < n; i++) {
		if (error == 0)
			error = take(h,
			    json_string_value(json_array_get(names, i)), fds[i],
			    err);
		if (error != 0)
			ep_stray_close(fds[i]);
	}
	if (error != 0)
		ctl_handed_fini(h);
	return error;
}

/* Takes n descriptors, or what getting them said. */
static int
take_all(struct ctl_handed *h, const struct epair_fd *fds, int n)
{
	bool is_full = !make_room(h, n > 0 ? (unsigned)n : 1);

	for (int i = 0; i < n; i++) {
		is_full = is_full || !add(h, fds[i].name, fds[i].fd);
		if (is_full)
			(void)close(fds[i].fd);
	}
	if (n < 0 || is_full)
		ctl_handed_fini(h);
	return n < 0 ? n : is_full ? -ENOMEM : 0;
}

int
ctl_handed_of(struct ctl_handed *h, struct epair_if *ifp)
{
	struct epair_fd fds[EPAIR_ATTACH_FDS_MAX];

	return take_all(
	    h, fds, epair_attach_get_fds(ifp, fds, EPAIR_ATTACH_FDS_MAX));
}

int
ctl_handed_of_link(struct ctl_handed *h, struct epair_if *ifp)
{
	struct epair_fd fds[EPAIR_LINK_FDS_MAX];

	return take_all(
	    h, fds, epair_if_get_link_fds(ifp, fds, EPAIR_LINK_FDS_MAX));
}

void
ctl_handed_fini(struct ctl_handed *h)
{
	for (unsigned i = 0; h->fds != NULL && i < h->count; i++) {
		free((char *)(uintptr_t)h->fds[i].name);
		ep_stray_close(h->fds[i].fd);
	}
	free(h->fds);
	*h = (struct ctl_handed){ 0 };
}

static bool
has_fd(const struct ctl_handed *h, const char *name)
{
	for (unsigned i = 0; i < h->count; i++)
		if (h->fds[i].name != NULL && strcmp(h->fds[i].name, name) == 0)
			return true;
	return false;
}

/* Whether a line of mountinfo(5) is of that device: its third word. */
static bool
is_of_device(const char *line, unsigned major_nr, unsigned minor_nr)
{
	const char *at = strchr(line, ' ');
	char *end;

	at = at != NULL ? strchr(at + 1, ' ') : NULL;
	return at != NULL && strtoul(at + 1, &end, 10) == major_nr &&
	       *end == ':' && strtoul(end + 1, &end, 10) == minor_nr &&
	       *end == ' ';
}

/* Is it of that device, and is it known whose that is? */
static bool
is_trusted_mount(const char *line, unsigned major_nr, unsigned minor_nr)
{
	const char *type = strstr(line, " - ");

	return type != NULL && is_of_device(line, major_nr, minor_nr) &&
	       strncmp(type + 3, "fuse", 4) != 0 &&
	       strncmp(type + 3, "9p", 2) != 0;
}

static bool
is_mounted_here(unsigned major_nr, unsigned minor_nr)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;
	bool is_here = false;

	if (f == NULL)
		return false;
	while (!is_here && getline(&line, &size, f) > 0)
		is_here = is_trusted_mount(line, major_nr, minor_nr);
	free(line);
	(void)fclose(f);
	return is_here;
}

/*
 * A file can be one of a file system that a stranger's process serves, who
 * answers when it likes: whoever reads it waits for as long. So files must be of
 * a device, in memory, or of a file system that is mounted where we are. Nobody
 * but the kernel is asked.
 */
static int
check_file(const struct epair_fd *fd, struct epair_err *err)
{
	struct statx st;

	if (statx(fd->fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE,
		&st) != 0)
		return ctl_fail(
		    err, -EINVAL, "%s: %s", fd->name, strerrordesc_np(errno));
	if (!S_ISREG(st.stx_mode) || st.stx_dev_major != 0 ||
	    fcntl(fd->fd, F_GET_SEALS) >= 0 ||
	    is_mounted_here(st.stx_dev_major, st.stx_dev_minor))
		return 0;
	return ctl_fail(err, -EPERM,
	    "%s: is a file of a file system that the daemon does not have; "
	    "whoever serves it could have it wait",
	    fd->name);
}

static bool
is_one_of(const char *name, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* What is to be opened, and for what: "pcap", "link". */
struct needs {
	const char *what;
	int what_len;
	const char *const *names;
	int count;
};

/* Whether all that would be opened is there, and nothing else. */
static int
check_all(const struct ctl_who *who, const struct needs *needs,
    const struct ctl_handed *h, struct epair_err *err)
{
	for (int i = 0; i < needs->count; i++)
		if (!has_fd(h, needs->names[i]))
			return ctl_fail(err, -EPERM,
			    "%.*s: the daemon opens nothing for user %u; "
			    "a descriptor '%s' must be handed over",
			    needs->what_len, needs->what, who->uid,
			    needs->names[i]);
	for (unsigned i = 0; i < h->count; i++)
		if (!is_one_of(h->fds[i].name, needs->names, needs->count))
			return ctl_fail(err, -EPERM,
			    "%.*s: a descriptor '%.16s' is not to be handed "
			    "over for it",
			    needs->what_len, needs->what, h->fds[i].name);
	return 0;
}

/* An admin's is looked at when it is used. */
static int
may(const struct ctl_who *who, const struct needs *needs,
    const struct ctl_handed *h, struct epair_err *err)
{
	int error;

	if (who->is_admin)
		return 0;
	error = check_all(who, needs, h, err);
	for (unsigned i = 0; i < h->count && error == 0; i++)
		error = check_file(&h->fds[i], err);
	return error;
}

int
ctl_handed_may(const struct ctl_who *who, const char *spec,
    const struct ctl_handed *h, struct epair_err *err)
{
	const char *names[EPAIR_ATTACH_NEEDS_MAX];
	int n = epair_attach_needs(spec, names, EPAIR_ATTACH_NEEDS_MAX, err);
	struct needs needs = { spec, (int)strcspn(spec, ":"), names, n };

	/* What there is not opens nothing: attaching it says so. */
	if (n == -EOPNOTSUPP || (n == -EPERM && who->is_admin))
		return 0;
	return n < 0 ? n : may(who, &needs, h, err);
}

int
ctl_handed_may_link(const struct ctl_who *who, const char *words,
    const struct ctl_handed *h, struct epair_err *err)
{
	const char *names[EPAIR_LINK_FDS_MAX];
	int n = epair_link_needs(words, names, EPAIR_LINK_FDS_MAX, err);
	struct needs needs = { "link", 4, names, n };

	return n < 0 ? n : may(who, &needs, h, err);
}
