/* SPDX-License-Identifier: BSD-2-Clause */
#include "opener/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where ip-netns(8) keeps the names; the first is today's. */
static const char *const folders[] = { "/run/netns", "/var/run/netns" };

static void
forget(struct netns *ns)
{
	memset(ns, 0, sizeof(*ns));
	ns->fd = -1;
	ns->process = -1;
	ns->wd = -1;
}

/*
 * Open folder/entry, with an eye on the folder from before: a name that goes
 * after this is known to have gone.
 */
static int
open_entry(const char *folder, const char *entry, int inotify, struct netns *ns)
{
	char path[2 * EP_OPENER_NETNS_MAX];
	int error;

	if (inotify >= 0)
		ns->wd = inotify_add_watch(
		    inotify, folder, IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR);
	(void)snprintf(path, sizeof(path), "%s/%s", folder, entry);
	ns->fd = open(path, O_RDONLY | O_CLOEXEC);
	error = ns->fd < 0 ? -errno : 0;
	(void)snprintf(ns->entry, sizeof(ns->entry), "%s", entry);
	return error;
}

static int
open_named(
    const char *name, int inotify, struct netns *ns, struct epair_err *err)
{
	(void)snprintf(ns->what, sizeof(ns->what), "namespace %s", name);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		int error = open_entry(folders[i], name, inotify, ns);

		if (error == 0)
			return 0;
		if (error != -ENOENT)
			return ep_fail_sys(err, error, "cannot open %s/%.200s",
			    folders[i], name);
	}
	return ep_fail(err, -ENOENT,
	    "no network namespace named %.90s (looked for %s/%.90s)", name,
	    folders[0], name);
}

static int
open_path(
    const char *path, int inotify, struct netns *ns, struct epair_err *err)
{
	char folder[EP_OPENER_NETNS_MAX];
	const char *slash = strrchr(path, '/');
	int error;

	(void)snprintf(ns->what, sizeof(ns->what), "namespace %.200s", path);
	(void)snprintf(folder, sizeof(folder), "%.*s",
	    slash == path ? 1 : (int)(slash - path), path);
	error = open_entry(folder, slash + 1, inotify, ns);
	if (error != 0)
		return ep_fail_sys(err, error, "cannot open %.160s", path);
	return 0;
}

/* The number if text is one and nothing else, else 0. */
static pid_t
whole_number(const char *text, const char *rest)
{
	char *end;
	long pid;

	if (*text < '0' || *text > '9')
		return 0;
	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno != 0 || strcmp(end, rest) != 0 || pid > INT32_MAX)
		return 0;
	return (pid_t)pid;
}

static bool
has_ended(int process)
{
	struct pollfd p = { .fd = process, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static int
open_process(pid_t pid, struct netns *ns, struct epair_err *err)
{
	char path[64];

	(void)snprintf(ns->what, sizeof(ns->what),
	    "the namespace of process %ld", (long)pid);
	(void)snprintf(path, sizeof(path), "/proc/%ld/ns/net", (long)pid);
	/* Held before the namespace is: the number may be used again. */
	ns->process = (int)syscall(SYS_pidfd_open, pid, 0);
	if (ns->process < 0 && errno != ENOSYS)
		return ep_fail(err, errno == EINVAL ? -ESRCH : -errno,
		    "there is no process %ld", (long)pid);
	ns->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (ns->fd < 0 && errno == ENOENT)
		return ep_fail(
		    err, -ESRCH, "there is no process %ld", (long)pid);
	if (ns->fd < 0)
		return ep_fail_sys(err, -errno, "cannot open %s", path);
	if (ns->process >= 0 && has_ended(ns->process))
		return ep_fail(
		    err, -ESRCH, "process %ld has just ended", (long)pid);
	return 0;
}

static bool
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool is_written;

	if (fd < 0)
		return false;
	is_written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	(void)close(fd);
	return is_written;
}

/*
 * A user namespace of our own, in which we are root, so that whoever enters it
 * later can do there as root does. Not being mapped takes nothing from us.
 */
static int
unshare_as_user(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[64];

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return -errno;
	(void)write_file("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "0 %lu 1\n", (unsigned long)uid);
	(void)write_file("/proc/self/uid_map", map);
	(void)snprintf(map, sizeof(map), "0 %lu 1\n", (unsigned long)gid);
	(void)write_file("/proc/self/gid_map", map);
	return 0;
}

static int
make_new(struct netns *ns, struct epair_err *err)
{
	int error = 0;

	(void)snprintf(ns->what, sizeof(ns->what), "the new namespace");
	if (unshare(CLONE_NEWNET) != 0)
		error = errno == EPERM ? unshare_as_user() : -errno;
	if (error != 0)
		return ep_fail_sys(
		    err, error, "cannot make a network namespace");
	ns->is_own = true;
	ns->fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (ns->fd < 0)
		return ep_fail_sys(
		    err, -errno, "cannot open /proc/self/ns/net");
	return 0;
}

int
netns_open(
    const char *text, int inotify, struct netns *ns, struct epair_err *err)
{
	pid_t pid;

	forget(ns);
	if (*text == '\0') {
		ns->is_own = true;
		(void)snprintf(ns->what, sizeof(ns->what), "this namespace");
		ns->fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		if (ns->fd < 0)
			return ep_fail_sys(
			    err, -errno, "cannot open /proc/self/ns/net");
		return 0;
	}
	if (strcmp(text, "new") == 0)
		return make_new(ns, err);
	pid = whole_number(text, "");
	if (pid == 0 && strncmp(text, "/proc/", 6) == 0)
		pid = whole_number(text + 6, "/ns/net");
	if (pid != 0)
		return open_process(pid, ns, err);
	if (strchr(text, '/') != NULL)
		return open_path(text, inotify, ns, err);
	if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return ep_fail(err, -EINVAL,
		    "netns=%s is no name of a network namespace", text);
	return open_named(text, inotify, ns, err);
}

void
netns_of_fd(int fd, struct netns *ns)
{
	forget(ns);
	ns->fd = fd;
	(void)snprintf(ns->what, sizeof(ns->what), "the namespace");
}

bool
netns_is_same(int fd, int other)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstat(other, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int
netns_enter(const struct netns *ns, struct epair_err *err)
{
	int error, user;

	if (ns->is_own || setns(ns->fd, CLONE_NEWNET) == 0)
		return 0;
	error = -errno;
	if (error == -EINVAL)
		return ep_fail(
		    err, -EINVAL, "%.200s is no network namespace", ns->what);
	/*
	 * Ours to enter only as root of the user namespace that owns it, which
	 * we are if we made that.
	 */
	user = ioctl(ns->fd, NS_GET_USERNS);
	if (user >= 0) {
		if (setns(user, CLONE_NEWUSER) == 0 &&
		    setns(ns->fd, CLONE_NEWNET) == 0)
			error = 0;
		(void)close(user);
	}
	if (error == 0)
		return 0;
	return ep_fail_sys(err, error, "may not enter %.200s", ns->what);
}
